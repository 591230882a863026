//! A value as a model reads it: exact digits where they are few, else 20 of them behind a `≈`. Refuses to compute.

use dashu_float::DBig;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;
use magic_sdk::Output;

use crate::value::Value;

/// What a model can still copy without a mistake; longer exact numbers are shown rounded.
const EXACT_DIGITS_MAX: usize = 400;
const SHOWN_DIGITS: usize = 20;
const FRACTION_CHARS_MAX: usize = 40;

pub(crate) fn output(value: &Value) -> Output {
    let (text, number, exact, fraction) = match value {
        Value::Exact(number) => of_exact(number),
        Value::Real(number) => {
            let number = rounded(number);
            (format!("≈ {number}"), number, false, None)
        }
    };
    let fraction = fraction.map(|fraction| format!(r#","fraction":"{fraction}""#)).unwrap_or_default();
    // Digits, signs and points need no escaping.
    let structured = format!(r#"{{"value":"{number}","exact":{exact}{fraction}}}"#);
    Output { text, structured: Some(structured) }
}

fn of_exact(number: &RBig) -> (String, String, bool, Option<String>) {
    let fraction = (!number.is_int()).then(|| number.to_string()).filter(|text| text.len() <= FRACTION_CHARS_MAX);
    if let Some(text) = terminating(number) {
        return (text.clone(), text, true, fraction);
    }
    let shown = rounded(&number.to_float(SHOWN_DIGITS + 5).value());
    let text = match &fraction {
        Some(fraction) => format!("≈ {shown} (exactly {fraction})"),
        None if number.is_int() => {
            format!("≈ {shown} ({} digits)", number.numerator().to_string().trim_start_matches('-').len())
        }
        None => format!("≈ {shown}"),
    };
    (text, shown, false, fraction)
}

/// The decimal expansion, where it ends and is short.
fn terminating(number: &RBig) -> Option<String> {
    let mut rest = number.denominator().clone();
    let places = strip(&mut rest, 2).max(strip(&mut rest, 5));
    if rest != UBig::ONE || places > EXACT_DIGITS_MAX {
        return None;
    }
    let digits =
        number.numerator() * IBig::from(UBig::from(10u8).pow(places)) / IBig::from(number.denominator().clone());
    let text = plain(&digits.to_string(), -isize::try_from(places).ok()?);
    (text.len() <= EXACT_DIGITS_MAX + 2).then_some(text)
}

/// Takes the prime out of the number; how often it was in it.
fn strip(number: &mut UBig, prime: u8) -> usize {
    let mut count = 0;
    let prime = UBig::from(prime);
    // One more than can be shown is enough to know.
    while count <= EXACT_DIGITS_MAX && (&*number % &prime) == UBig::ZERO {
        *number /= &prime;
        count += 1;
    }
    count
}

/// Twenty digits, in plain notation where that is readable, else as 1.5e30.
fn rounded(number: &DBig) -> String {
    let (digits, exponent) = number.clone().with_precision(SHOWN_DIGITS).value().into_repr().into_parts();
    let text = digits.to_string();
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let trimmed = text.trim_end_matches('0');
    if trimmed.is_empty() {
        return "0".into();
    }
    let exponent = exponent.saturating_add_unsigned(text.len() - trimmed.len());
    let magnitude = exponent.saturating_add_unsigned(trimmed.len());
    if (-6..=30).contains(&magnitude) {
        return format!("{sign}{}", plain(trimmed, exponent));
    }
    let (first, rest) = trimmed.split_at_checked(1).unwrap_or((trimmed, ""));
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}e{}", magnitude - 1)
}

/// `digits` x 10^`exponent` without an exponent.
fn plain(digits: &str, exponent: isize) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let places = exponent.unsigned_abs();
    if exponent >= 0 {
        return format!("{sign}{digits}{}", "0".repeat(if digits == "0" { 0 } else { places }));
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at_checked(padded.len() - places).unwrap_or((&padded, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
