//! The functions and constants by name. Refuses what is not a real number, saying what the argument must be.

use dashu_float::DBig;
use dashu_int::{IBig, UBig, ops::Gcd as _};
use dashu_ratio::RBig;

use crate::value::{self, Result, Value};

/// Digits for constants and reals, as in `value`.
const DIGITS: usize = 60;
/// Below this a sine or cosine of a rounded angle is zero that rounding spoilt.
const NOISE_DIGITS: isize = -40;
/// Names for messages; what else is accepted is an alias.
const NAMES: &str = "sqrt, cbrt, abs, floor, ceil, round, min, max, sum, mean, ln, log10, log2, log, exp, sin, cos, tan, \
                     asin, acos, atan, radians, degrees, gcd, lcm, mod, pow, factorial";

pub(crate) fn constant(name: &str) -> Option<Value> {
    match name {
        "pi" | "π" => Some(Value::Real(DBig::pi(DIGITS))),
        "e" => Some(Value::Real(DBig::e(DIGITS))),
        _ => None,
    }
}

pub(crate) fn unknown(name: &str) -> String {
    format!("unknown name `{name}`: use numbers without variables or units; functions: {NAMES}; constants: pi, e")
}

/// Whether a name is that of a function, so that a missing parenthesis can be told from an unknown name.
pub(crate) fn is_function(name: &str) -> bool {
    NAMES.split(", ").any(|known| known == name) || matches!(name, "avg" | "average" | "arcsin" | "arccos" | "arctan")
}

/// Calls the function `name`, which is lower case.
pub(crate) fn call(name: &str, args: Vec<Value>) -> Result {
    match (name, args.as_slice()) {
        ("min", [_, ..]) => pick(args, std::cmp::Ordering::Less),
        ("max", [_, ..]) => pick(args, std::cmp::Ordering::Greater),
        ("sum", [_, ..]) => sum(args),
        ("mean" | "avg" | "average", [_, ..]) => {
            let count = i32::try_from(args.len()).map_err(|_| value::too_large())?;
            sum(args)?.divide(Value::integer(count))
        }
        ("gcd" | "lcm", [_, _, ..]) => whole_fold(name, &args),
        ("round", [x]) => round(x, &Value::integer(0)),
        ("round", [x, digits]) => round(x, digits),
        ("log", [x, base]) => log(x, base),
        ("log", [_]) => Err("log(x) can mean two things: write ln(x), log10(x) or log(x, base)".into()),
        ("mod", [a, b]) => a.clone().remainder(b.clone()),
        ("pow", [a, b]) => a.clone().power(b.clone()),
        (_, [x]) => unary(name, x),
        _ if is_function(name) => Err(arity(name, args.len())),
        _ => Err(unknown(name)),
    }
}

fn unary(name: &str, x: &Value) -> Result {
    match name {
        "sqrt" => x.root(2),
        "cbrt" => x.root(3),
        "abs" => Ok(x.clone().absolute()),
        "floor" => Ok(Value::Exact(RBig::from(x.trusted()?.floor()))),
        "ceil" => Ok(Value::Exact(RBig::from(x.trusted()?.ceil()))),
        "factorial" => x.factorial(),
        "exp" if x.is_zero() => Ok(Value::integer(1)),
        "exp" => value::exponential(&x.to_real()),
        "ln" => natural_log(x).map(|log| log.unwrap_or_else(|| Value::integer(0))),
        "log10" => log(x, &Value::integer(10)),
        "log2" => log(x, &Value::integer(2)),
        "radians" => x.clone().multiply(Value::Real(DBig::pi(DIGITS)))?.divide(Value::integer(180)),
        "degrees" => x.clone().multiply(Value::integer(180))?.divide(Value::Real(DBig::pi(DIGITS))),
        "sin" | "cos" | "tan" => trigonometric(name, x),
        "asin" | "arcsin" | "acos" | "arccos" | "atan" | "arctan" => inverse(name, x),
        _ if is_function(name) => Err(arity(name, 1)),
        _ => Err(unknown(name)),
    }
}

fn arity(name: &str, given: usize) -> String {
    let wanted = match name {
        "round" => "1 or 2 arguments: round(x) or round(x, digits)",
        "log" => "2 arguments: log(x, base)",
        "mod" | "pow" => "2 arguments, separated by a comma",
        "gcd" | "lcm" => "2 or more whole numbers, separated by commas",
        "min" | "max" | "sum" | "mean" | "avg" | "average" => "1 or more arguments, separated by commas",
        _ => "1 argument",
    };
    format!("{name} takes {wanted}; {given} given")
}

fn sum(args: Vec<Value>) -> Result {
    args.into_iter().try_fold(Value::integer(0), Value::add)
}

fn pick(args: Vec<Value>, wanted: std::cmp::Ordering) -> Result {
    let best = args.into_iter().reduce(|best, next| if next.compare(&best) == wanted { next } else { best });
    best.ok_or_else(|| "min and max need an argument".into())
}

fn whole_fold(name: &str, args: &[Value]) -> Result {
    let mut folded: Option<UBig> = None;
    for arg in args {
        let Some(next) = arg.as_integer() else { return Err(format!("{name} needs whole numbers")) };
        let next: UBig = dashu_base::UnsignedAbs::unsigned_abs(next);
        folded = Some(match folded {
            None => next,
            Some(a) if a == UBig::ZERO || next == UBig::ZERO => {
                if name == "gcd" {
                    a + next
                } else {
                    UBig::ZERO
                }
            }
            Some(a) if name == "gcd" => a.gcd(next),
            Some(a) => {
                let divisor = (&a).gcd(&next);
                a / divisor * next
            }
        });
        if let Some(folded) = &folded {
            value::exact(RBig::from(folded.clone()))?;
        }
    }
    value::exact(RBig::from(folded.unwrap_or(UBig::ZERO)))
}

/// Halves go away from zero, as in school.
fn round(x: &Value, digits: &Value) -> Result {
    let digits = digits.as_integer().and_then(|n| isize::try_from(n).ok()).filter(|n| n.abs() <= 100);
    let Some(digits) = digits else {
        return Err("round(x, digits): digits must be a whole number from -100 to 100".into());
    };
    let scale = value::scaled(IBig::ONE, digits);
    let scaled = x.trusted()? * &scale;
    let half = RBig::from_parts(IBig::ONE, UBig::from(2u8));
    let whole =
        if Value::Exact(scaled.clone()).is_negative() { (scaled - half).ceil() } else { (scaled + half).floor() };
    value::exact(RBig::from(whole) / scale)
}

/// The natural logarithm; none where it is exactly 0.
fn natural_log(x: &Value) -> Result<Option<Value>> {
    if x.is_zero() || x.is_negative() {
        return Err("a logarithm needs a number greater than 0".into());
    }
    if matches!(x, Value::Exact(x) if x.is_one()) {
        return Ok(None);
    }
    value::real(x.to_real().ln()).map(Some)
}

/// The logarithm to a base: exact where the base's power is.
fn log(x: &Value, base: &Value) -> Result {
    let Some(bottom) = natural_log(base)? else { return Err("a logarithm's base cannot be 1".into()) };
    let Some(top) = natural_log(x)? else { return Ok(Value::integer(0)) };
    let quotient = top.divide(bottom)?;
    let nearest = round(&quotient, &Value::integer(0))?;
    if let (Value::Exact(x), Value::Exact(_)) = (x, base)
        && let Ok(Value::Exact(power)) = base.clone().power(nearest.clone())
        && power == *x
    {
        return Ok(nearest);
    }
    Ok(quotient)
}

fn trigonometric(name: &str, x: &Value) -> Result {
    if x.is_zero() {
        return Ok(Value::integer(i32::from(name == "cos")));
    }
    let angle = x.to_real();
    if magnitude(&angle) > 30 {
        return Err(format!("{name}: the angle is too large to mean anything; it is in radians"));
    }
    match name {
        "sin" => denoised(angle.sin()),
        "cos" => denoised(angle.cos()),
        _ => {
            let (sine, cosine) = angle.sin_cos();
            if magnitude(&cosine) < NOISE_DIGITS {
                return Err("the tangent is not defined there: the cosine is 0".into());
            }
            denoised(sine / cosine)
        }
    }
}

fn inverse(name: &str, x: &Value) -> Result {
    let number = x.to_real();
    let inside = x.clone().absolute().compare(&Value::integer(1)).is_le();
    match name {
        "atan" | "arctan" if x.is_zero() => Ok(Value::integer(0)),
        "atan" | "arctan" => value::real(number.atan()),
        _ if !inside => Err(format!("{name} needs a number from -1 to 1")),
        "asin" | "arcsin" if x.is_zero() => Ok(Value::integer(0)),
        "asin" | "arcsin" => value::real(number.asin()),
        _ if x.compare(&Value::integer(1)).is_eq() => Ok(Value::integer(0)),
        _ => value::real(number.acos()),
    }
}

fn denoised(number: DBig) -> Result {
    if magnitude(&number) < NOISE_DIGITS { Ok(Value::integer(0)) } else { value::real(number) }
}

/// The decimal exponent; of zero, very small.
fn magnitude(number: &DBig) -> isize {
    if *number == DBig::ZERO { isize::MIN } else { number.repr().exponent().saturating_add_unsigned(number.digits()) }
}
