//! The grammar, evaluated while it is read: no tree is built, so a long expression costs no stack. Refuses, with the place
//! and the cure, whatever could be read in two ways.
//!
//! ```text
//! sum     = product (("+" | "-") product)*
//! product = unary (("*" | "/" | "%" | "mod") unary)*
//! unary   = ("+" | "-") unary | power
//! power   = postfix ("^" unary)?              binds to the right, and tighter than a sign before it
//! postfix = primary ("!" | "%")*              "%" is percent where nothing follows that it could divide
//! primary = number | name | name "(" sum ("," sum)* ")" | "(" sum ")" | "√" primary
//! ```

use winnow::{
    Parser as _,
    ascii::{digit0, digit1, multispace0},
    combinator::{alt, opt, preceded},
    error::ParserError,
    stream::{LocatingSlice, Location as _, Stateful, Stream as _},
    token::{any, literal, one_of, take_while},
};

use dashu_int::IBig;

use crate::{
    functions,
    value::{self, Value},
};

const CHARS_MAX: usize = 2_000;
/// Deep enough for anything written by hand; the guest's stack is far from spent there.
const DEPTH_MAX: usize = 64;
/// Characters of the rest that a message quotes.
const QUOTE_CHARS: usize = 12;

type Input<'a> = Stateful<LocatingSlice<&'a str>, State<'a>>;
type Parsed<T = Value> = Result<T, Fault>;

#[derive(Clone, Debug)]
struct State<'a> {
    source: &'a str,
    depth: usize,
    /// Inside a function's parentheses a comma parts arguments; elsewhere it groups thousands.
    in_call: bool,
}

/// A fault without text lets the caller try something else; one with text is final.
#[derive(Debug)]
struct Fault {
    at: usize,
    text: Option<String>,
}

/// Reads and evaluates one expression; the error says where it is wrong and how to mend it.
pub(crate) fn evaluate(source: &str) -> Result<Value, String> {
    let source = source.trim().trim_end_matches(['=', '?', ' ']);
    if source.is_empty() {
        return Err("the expression is empty: write one, such as 2 + 2".into());
    }
    if source.chars().count() > CHARS_MAX {
        return Err(format!("the expression has more than {CHARS_MAX} characters: split it into several calls"));
    }
    let state = State { source, depth: 0, in_call: false };
    let mut input = Stateful { input: LocatingSlice::new(source), state };
    let value = sum(&mut input).and_then(|value| end(&mut input).map(|()| value));
    value.map_err(|fault| fault.explain(source))
}

fn sum(input: &mut Input<'_>) -> Parsed {
    deeper(input, |input| {
        let mut left = product(input)?;
        while let Some(sign) = operator(input, |input| one_of(['+', '-', '−', '–']).parse_next(input))? {
            let at = input.current_token_start();
            let right = product(input)?;
            left = located(at, if sign == '+' { left.add(right) } else { left.subtract(right) })?;
        }
        Ok(left)
    })
}

fn product(input: &mut Input<'_>) -> Parsed {
    let mut left = unary(input)?;
    while let Some(sign) = operator(input, times_or_over)? {
        let at = input.current_token_start();
        let right = unary(input)?;
        let result = match sign {
            '*' => left.multiply(right),
            '/' => left.divide(right),
            _ => left.remainder(right),
        };
        left = located(at, result)?;
    }
    Ok(left)
}

fn times_or_over(input: &mut Input<'_>) -> Parsed<char> {
    if opt(literal("//")).parse_next(input)?.is_some() {
        return Err(fault(input, "`//` is not an operator here: write floor(a / b)"));
    }
    let start = input.checkpoint();
    let word = take_while(0.., |c: char| c.is_alphabetic()).parse_next(input)?;
    match word {
        "x" | "X" => return Ok('*'),
        "mod" => return Ok('%'),
        _ => input.reset(&start),
    }
    let mut sign = alt((one_of(['*', '×', '·', '⋅']).value('*'), one_of(['/', '÷']).value('/'), one_of(['%'])));
    sign.parse_next(input)
}

fn unary(input: &mut Input<'_>) -> Parsed {
    let sign = operator(input, |input| one_of(['+', '-', '−', '–']).parse_next(input))?;
    match sign {
        None => power(input),
        Some('+') => deeper(input, unary),
        Some(_) => deeper(input, unary).map(Value::negate),
    }
}

fn power(input: &mut Input<'_>) -> Parsed {
    let base = postfix(input)?;
    if operator(input, |input| alt((literal("**"), literal("^"))).void().parse_next(input))?.is_none() {
        return Ok(base);
    }
    let at = input.current_token_start();
    let exponent = deeper(input, unary)?;
    located(at, base.power(exponent))
}

fn postfix(input: &mut Input<'_>) -> Parsed {
    let mut value = primary(input)?;
    let mut marks = 0;
    while let Some(mark) = operator(input, factorial_or_percent)? {
        marks += 1;
        let at = input.current_token_start();
        if marks > 1 {
            return Err(Fault::new(at, "two marks in a row can be read in two ways: use parentheses, as in (3!)!"));
        }
        let result = if mark == '!' { value.factorial() } else { value.divide(Value::integer(100)) };
        value = located(at, result)?;
    }
    Ok(value)
}

/// `!`, or `%` where it can only mean percent.
fn factorial_or_percent(input: &mut Input<'_>) -> Parsed<char> {
    let mark = one_of(['!', '%']).parse_next(input)?;
    let rest = input.input.as_ref().trim_start();
    match (mark, rest.chars().next()) {
        ('!', Some('=')) => Err(fault(input, "comparisons are not supported: one expression without `=`")),
        ('!', _) | ('%', None | Some(')' | ',' | '*' | '/' | '^' | '×' | '÷' | '·' | '⋅')) => Ok(mark),
        ('%', Some('x' | 'X')) => Ok(mark),
        ('%', Some('+' | '-' | '−' | '–')) => {
            Err(fault(input, "`%` before a sign can mean percent or remainder: write (a / 100) or mod(a, b)"))
        }
        _ => Err(Fault { at: input.current_token_start(), text: None }),
    }
}

fn primary(input: &mut Input<'_>) -> Parsed {
    multispace0.parse_next(input)?;
    let at = input.current_token_start();
    match input.input.as_ref().chars().next() {
        Some('0'..='9' | '.') => number(input),
        Some('(') => {
            any.parse_next(input)?;
            let value = within(input, false, sum)?;
            close(input, at).map(|()| value)
        }
        Some('√') => {
            any.parse_next(input)?;
            let value = deeper(input, primary)?;
            located(at, value.root(2))
        }
        Some(c) if c.is_alphabetic() => name(input),
        Some('[' | '{') => Err(Fault::new(at, "use round parentheses ( )")),
        Some('$' | '€' | '£' | '"' | '\'') => {
            Err(Fault::new(at, "write plain numbers, without units, currency signs or quotes"))
        }
        None => Err(Fault::new(at, "the expression ends where a number is missing")),
        Some(_) => Err(Fault::new(at, "a number, a function or a parenthesis is missing before this")),
    }
}

fn name(input: &mut Input<'_>) -> Parsed {
    let at = input.current_token_start();
    opt(alt((literal("math."), literal("Math.")))).parse_next(input)?;
    let word = take_while(1.., |c: char| c.is_alphanumeric() || c == '_').parse_next(input)?.to_lowercase();
    let open = opt(preceded(multispace0, literal("("))).parse_next(input)?;
    match (open, functions::constant(&word)) {
        (Some(_), None) => {
            let args = within(input, true, arguments)?;
            close(input, at)?;
            located(at, functions::call(&word, args))
        }
        (None, Some(value)) => Ok(value),
        (Some(_), Some(_)) => Err(Fault::new(at, &format!("`{word}` is a constant: put an operator after it"))),
        (None, None) if functions::is_function(&word) => {
            Err(Fault::new(at, &format!("put the argument of `{word}` in parentheses: {word}(...)")))
        }
        (None, None) => Err(Fault::new(at, &functions::unknown(&word))),
    }
}

fn arguments(input: &mut Input<'_>) -> Parsed<Vec<Value>> {
    let mut args = vec![sum(input)?];
    let (mut grouping, mut parting) = (None, false);
    while operator(input, |input| literal(",").parse_next(input))?.is_some() {
        let at = input.previous_token_end().saturating_sub(1);
        if groups_thousands(input.state.source, at) {
            grouping = grouping.or(Some(at));
        } else {
            parting = true;
        }
        args.push(sum(input)?);
    }
    match grouping {
        Some(at) if parting => {
            let text = "this comma can part two arguments or group thousands: leave thousands ungrouped (1234), or put a space after each comma";
            Err(Fault::new(at, text))
        }
        _ => Ok(args),
    }
}

/// Whether the comma at `at` could be that of `1,234`.
fn groups_thousands(source: &str, at: usize) -> bool {
    let bytes = source.as_bytes();
    let before = bytes.iter().take(at).rev().take_while(|b| b.is_ascii_digit()).count();
    let after = bytes.iter().skip(at + 1).take_while(|b| b.is_ascii_digit()).count();
    (1..=3).contains(&before) && after == 3
}

fn number(input: &mut Input<'_>) -> Parsed {
    let at = input.current_token_start();
    let mut digits = digit0.parse_next(input)?.to_owned();
    while let Some(group) = opt(preceded(one_of(['_']), digit1)).parse_next(input)? {
        digits.push_str(group);
    }
    if !input.state.in_call {
        thousands(input, &mut digits)?;
    }
    let fraction = opt(preceded(literal("."), digit0)).parse_next(input)?.unwrap_or_default();
    digits.push_str(fraction);
    if digits.is_empty() {
        return Err(Fault::new(at, "a lone point is not a number"));
    }
    if input.input.as_ref().starts_with('.') {
        return Err(fault(input, "a number has one decimal point"));
    }
    let exponent = exponent(input)?;
    let Ok(significand) = digits.parse::<IBig>() else { return Err(Fault::new(at, "this is not a number")) };
    let places = isize::try_from(fraction.len()).map_err(|_| Fault::new(at, &value::too_large()))?;
    located(at, value::exact(value::scaled(significand, exponent - places)))
}

/// `,234,567` behind one to three digits.
fn thousands(input: &mut Input<'_>, digits: &mut String) -> Parsed<()> {
    let leading = digits.len();
    while input.input.as_ref().starts_with(',') {
        let group: String = input.input.as_ref().chars().skip(1).take_while(char::is_ascii_digit).collect();
        if group.len() != 3 || !(1..=3).contains(&leading) {
            return Err(fault(
                input,
                "a comma here must group thousands by three, as in 1,234,567; decimals take a point: 1.5",
            ));
        }
        preceded(literal(","), digit1).parse_next(input)?;
        digits.push_str(&group);
    }
    Ok(())
}

/// `e-5` behind a number, where it is one: `2e` is two times e without its operator.
fn exponent(input: &mut Input<'_>) -> Parsed<isize> {
    let at = input.current_token_start();
    let parts = opt((one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1)).parse_next(input)?;
    let Some((_, sign, digits)) = parts else { return Ok(0) };
    match digits.parse::<isize>() {
        Ok(exponent) if exponent <= 5_000 => Ok(if sign == Some('-') { -exponent } else { exponent }),
        _ => Err(Fault::new(at, &value::too_large())),
    }
}

fn end(input: &mut Input<'_>) -> Parsed<()> {
    multispace0.parse_next(input)?;
    let text = match input.input.as_ref().chars().next() {
        None => return Ok(()),
        Some(')') => "a closing parenthesis without its opening one",
        Some(',') => "a comma here must group thousands by three, as in 1,234,567; decimals take a point: 1.5",
        Some('=' | '<' | '>' | '≤' | '≥' | '≠') => {
            "equations and comparisons are not supported: write one expression to evaluate"
        }
        Some(c) if c == '(' || c == '√' || c.is_alphanumeric() => {
            "put an operator, such as *, before this; units and words are not supported"
        }
        Some('$' | '€' | '£') => "write plain numbers, without currency signs",
        Some(';' | '\n') => "one expression a call",
        Some(_) => "this is not an operator: use + - * / % ^ !",
    };
    Err(fault(input, text))
}

fn close(input: &mut Input<'_>, opened: usize) -> Parsed<()> {
    multispace0.parse_next(input)?;
    if opt(literal(")")).parse_next(input)?.is_some() {
        return Ok(());
    }
    if input.input.as_ref().is_empty() {
        return Err(Fault::new(opened, "the parenthesis opened here is never closed"));
    }
    // What else may stand here is told as at the end of an expression.
    end(input)
}

/// The operator that `parser` reads behind spaces; none, and nothing read, where it is another.
fn operator<'a, T>(input: &mut Input<'a>, parser: impl FnMut(&mut Input<'a>) -> Parsed<T>) -> Parsed<Option<T>> {
    opt(preceded(multispace0, parser)).parse_next(input)
}

fn within<'a, T>(input: &mut Input<'a>, in_call: bool, parser: impl FnOnce(&mut Input<'a>) -> Parsed<T>) -> Parsed<T> {
    let outside = std::mem::replace(&mut input.state.in_call, in_call);
    let parsed = parser(input);
    input.state.in_call = outside;
    parsed
}

fn deeper<'a>(input: &mut Input<'a>, parser: impl FnOnce(&mut Input<'a>) -> Parsed) -> Parsed {
    if input.state.depth >= DEPTH_MAX {
        return Err(fault(input, &format!("nested deeper than {DEPTH_MAX} levels: split it into several calls")));
    }
    input.state.depth += 1;
    let parsed = parser(input);
    input.state.depth -= 1;
    parsed
}

/// A fault at what comes next.
fn fault(input: &Input<'_>, text: &str) -> Fault {
    Fault::new(input.current_token_start(), text)
}

fn located(at: usize, result: value::Result) -> Parsed {
    result.map_err(|text| Fault::new(at, &text))
}

// === impl Fault ===
impl Fault {
    fn new(at: usize, text: &str) -> Self {
        Self { at, text: Some(text.to_owned()) }
    }

    fn explain(self, source: &str) -> String {
        let text = self.text.unwrap_or_else(|| "this cannot be read".into());
        let before = source.get(..self.at).map_or(0, |before| before.chars().count());
        let mut rest: String = source.chars().skip(before).take(QUOTE_CHARS).collect();
        if source.chars().count() > before + QUOTE_CHARS {
            rest.push('…');
        }
        if rest.is_empty() {
            format!("at the end: {text}")
        } else {
            format!("at character {} (`{rest}`): {text}", before + 1)
        }
    }
}

impl<'a> ParserError<Input<'a>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        Self { at: input.current_token_start(), text: None }
    }

    fn is_backtrack(&self) -> bool {
        self.text.is_none()
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}
