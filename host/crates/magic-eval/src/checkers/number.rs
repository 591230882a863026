//! The number that a text ends up with, exactly: `1,000`, `$5`, `50%`, `2.50`, `1/2` and `\frac{1}{2}` are read; words
//! (`twelve`) and mixed numbers (`1 1/2`) are not.
use super::said;

/// An exact value, in lowest terms. Invariant: the denominator is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    numerator: i128,
    denominator: i128,
}

/// A number where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) number: Number,
    pub(super) text: String,
}

/// The right answer as a data set has it: alone, or behind GSM8K's `####`.
pub(super) fn wanted(text: &str) -> Result<Number, String> {
    let none = || format!("`answer` is `{text}`: the checker `number` wants a number");
    answer(text).map(|found| found.number).ok_or_else(none)
}

/// In the order of trust: the last box, what follows `####`, what follows "the answer is", the last number of all.
pub(super) fn answer(text: &str) -> Option<Found> {
    let text = plain(text);
    let last = |text: &str| scan(text).pop();
    let boxed = said::boxed(&text).and_then(last);
    let marked = || text.rsplit_once("####").and_then(|(_, rest)| scan(rest).into_iter().next());
    let named = || said::after_the_answer_is(&text).and_then(of_a_sentence);
    boxed.or_else(marked).or_else(named).or_else(|| last(&text))
}

/// "17 * 23 = 391" means 391, "5, for 3 and 2 are 5" the first.
fn of_a_sentence(sentence: &str) -> Option<Found> {
    let result = sentence.rsplit_once('=').map_or(sentence, |(_, result)| result);
    scan(result).into_iter().next().or_else(|| scan(sentence).into_iter().next())
}

/// Without the marks of Markdown and TeX that stand between digits and their signs.
fn plain(text: &str) -> String {
    let text = text.replace("**", " ").replace("{,}", ",").replace("\\,", "").replace("\\!", "");
    let text = text.replace("\\$", "$").replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac");
    let mut pieces = text.split("\\frac{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once("}{").and_then(|(over, rest)| Some((over, rest.split_once('}')?))) {
            Some((over, (under, rest))) => out.extend([over, "/", under, rest]),
            None => out.push_str(piece),
        }
    }
    out
}

/// Every number of a text, in order. Digits that belong to a word (`m2`) are none.
fn scan(text: &str) -> Vec<Found> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&character) = chars.get(at) {
        let before = at.checked_sub(1).and_then(|before| chars.get(before)).copied();
        let begins = character.is_ascii_digit() || (character == '.' && is_digit(&chars, at + 1));
        if !begins {
            at += 1;
        } else if before.is_some_and(|before| before.is_alphabetic() || before == '_') {
            at = digits_end(&chars, at).max(at + 1);
        } else {
            let (end, value) = unsigned(&chars, at);
            let value = value.and_then(|value| if is_negative(&chars, at) { value.negated() } else { Some(value) });
            let sign = if is_negative(&chars, at) { "-" } else { "" };
            let digits: String = chars.get(at..end).unwrap_or_default().iter().collect();
            found.extend(value.map(|number| Found { number, text: format!("{sign}{digits}") }));
            at = end;
        }
    }
    found
}

/// Where it ends, and its value where that is small enough to be held exactly.
fn unsigned(chars: &[char], start: usize) -> (usize, Option<Number>) {
    let (end, value) = decimal(chars, start);
    let over = end + 1;
    if chars.get(end) == Some(&'/') && is_digit(chars, over) {
        let (end, under) = decimal(chars, over);
        let ratio = value.zip(under).and_then(|(over, under)| over.divided_by(under));
        return (end, ratio);
    }
    (end, value)
}

fn decimal(chars: &[char], start: usize) -> (usize, Option<Number>) {
    let mut end = digits_end(chars, start);
    if end - start <= 3 {
        while chars.get(end) == Some(&',') && digits_end(chars, end + 1) == end + 4 {
            end += 4;
        }
    }
    let point = end;
    if chars.get(point) == Some(&'.') && is_digit(chars, point + 1) {
        end = digits_end(chars, point + 1);
    }
    let digits = chars.get(start..end).unwrap_or_default().iter().filter(|one| one.is_ascii_digit());
    let places = end.saturating_sub(point + 1);
    let (end, power) = exponent(chars, end);
    let number = digits.collect::<String>().parse().ok().and_then(|digits| {
        let places = i32::try_from(places).ok()?;
        Number::scaled(digits, power.checked_sub(places)?)
    });
    (end, number)
}

/// `e6`, `E-3`.
fn exponent(chars: &[char], at: usize) -> (usize, i32) {
    let sign = usize::from(matches!(chars.get(at + 1), Some('+' | '-')));
    let (first, end) = (at + 1 + sign, digits_end(chars, at + 1 + sign));
    let is_word = chars.get(end).is_some_and(|next| next.is_alphanumeric());
    if !matches!(chars.get(at), Some('e' | 'E')) || end == first || is_word {
        return (at, 0);
    }
    let text: String = chars.get(at + 1..end).unwrap_or_default().iter().collect();
    // Far beyond what is held exactly either way.
    (end, text.trim_start_matches('+').parse().unwrap_or(i32::MAX))
}

/// A minus belongs to the number unless something stands before it that it may be taken from.
fn is_negative(chars: &[char], start: usize) -> bool {
    let mut before = chars.get(..start).unwrap_or_default().iter().rev().copied().peekable();
    while before.next_if(|one| matches!(one, '$' | '€' | '£')).is_some() {}
    let minus = before.next_if(|one| matches!(one, '-' | '−')).is_some();
    minus && before.next().is_none_or(|one| !one.is_alphanumeric() && one != ')')
}

fn is_digit(chars: &[char], at: usize) -> bool {
    chars.get(at).is_some_and(char::is_ascii_digit)
}

fn digits_end(chars: &[char], start: usize) -> usize {
    start + chars.iter().skip(start).take_while(|one| one.is_ascii_digit()).count()
}

// === impl Number ===
impl Number {
    fn new(numerator: i128, denominator: i128) -> Option<Self> {
        let divisor = gcd(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok().filter(|divisor| *divisor != 0)?;
        let sign = if denominator < 0 { -1 } else { 1 };
        let denominator = denominator.checked_mul(sign)? / divisor;
        (denominator != 0).then_some(Self { numerator: numerator.checked_mul(sign)? / divisor, denominator })
    }

    /// `digits` times ten to the power.
    fn scaled(digits: i128, power: i32) -> Option<Self> {
        let ten = 10_i128.checked_pow(power.unsigned_abs())?;
        if power < 0 { Self::new(digits, ten) } else { Self::new(digits.checked_mul(ten)?, 1) }
    }

    fn divided_by(self, other: Self) -> Option<Self> {
        let numerator = self.numerator.checked_mul(other.denominator)?;
        Self::new(numerator, self.denominator.checked_mul(other.numerator)?)
    }

    fn negated(self) -> Option<Self> {
        Some(Self { numerator: self.numerator.checked_neg()?, ..self })
    }
}

fn gcd(one: u128, other: u128) -> u128 {
    if other == 0 { one } else { gcd(other, one % other) }
}
