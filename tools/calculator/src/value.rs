//! Numbers: exact fractions as long as that is possible, reals of 60 digits after. Refuses what is too large to show.

use std::cmp::Ordering;

use dashu_base::{Abs as _, BitTest as _, Signed as _, UnsignedAbs as _};
use dashu_float::DBig;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

/// Digits that reals are computed with; 20 are shown, so forty may be lost on the way.
const WORKING_DIGITS: usize = 60;
/// Digits of a real that are trusted when it is asked for its integer part.
const TRUSTED_DIGITS: usize = 45;
/// About 12 000 digits: larger numbers cost time and nobody reads them.
const BITS_MAX: usize = 40_000;
/// The largest decimal exponent of a real, either way.
const EXPONENT_MAX: isize = 10_000;
const FACTORIAL_MAX: u32 = 3_000;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Exact(RBig),
    Real(DBig),
}

pub(crate) type Result<T = Value> = std::result::Result<T, String>;

// === impl Value ===
impl Value {
    pub(crate) fn integer(number: i32) -> Self {
        Self::Exact(RBig::from(number))
    }

    pub(crate) fn to_real(&self) -> DBig {
        match self {
            Self::Exact(number) => number.to_float(WORKING_DIGITS).value(),
            Self::Real(number) => number.clone(),
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Exact(number) => number.is_zero(),
            Self::Real(number) => *number == DBig::ZERO,
        }
    }

    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Self::Exact(number) => number.is_negative(),
            Self::Real(number) => *number < DBig::ZERO,
        }
    }

    pub(crate) fn as_integer(&self) -> Option<IBig> {
        match self {
            Self::Exact(number) if number.is_int() => Some(number.numerator().clone()),
            Self::Exact(_) | Self::Real(_) => None,
        }
    }

    /// The value as a fraction; a real is first rounded to the digits that can be trusted.
    pub(crate) fn trusted(&self) -> Result<RBig> {
        match self {
            Self::Exact(number) => Ok(number.clone()),
            Self::Real(number) => {
                let rounded = number.clone().with_precision(TRUSTED_DIGITS).value();
                let (digits, exponent) = rounded.into_repr().into_parts();
                Ok(scaled(digits, exponent))
            }
        }
    }

    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Exact(number) => Self::Exact(-number),
            Self::Real(number) => Self::Real(-number),
        }
    }

    pub(crate) fn absolute(self) -> Self {
        match self {
            Self::Exact(number) => Self::Exact(number.abs()),
            Self::Real(number) => Self::Real(number.abs()),
        }
    }

    pub(crate) fn add(self, other: Self) -> Result {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => exact(a + b),
            (a, b) => real(a.to_real() + b.to_real()),
        }
    }

    pub(crate) fn subtract(self, other: Self) -> Result {
        self.add(other.negate())
    }

    pub(crate) fn multiply(self, other: Self) -> Result {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => exact(a * b),
            (a, b) => real(a.to_real() * b.to_real()),
        }
    }

    pub(crate) fn divide(self, other: Self) -> Result {
        if other.is_zero() {
            return Err("division by zero: the divisor is 0".into());
        }
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => exact(a / b),
            (a, b) => real(a.to_real() / b.to_real()),
        }
    }

    /// The remainder, with the sign of the divisor: -7 % 3 is 2.
    pub(crate) fn remainder(self, other: Self) -> Result {
        if other.is_zero() {
            return Err("remainder of a division by zero: the divisor is 0".into());
        }
        let times = Self::Exact(RBig::from(self.clone().divide(other.clone())?.trusted()?.floor()));
        self.subtract(other.multiply(times)?)
    }

    pub(crate) fn factorial(&self) -> Result {
        let number = self.as_integer().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= FACTORIAL_MAX);
        let Some(number) = number else {
            return Err(format!("a factorial needs a whole number from 0 to {FACTORIAL_MAX}"));
        };
        let product = (2..=number).fold(UBig::ONE, |product, factor| product * UBig::from(factor));
        Ok(Self::Exact(RBig::from(product)))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => a.cmp(b),
            (a, b) => a.to_real().cmp(&b.to_real()),
        }
    }

    pub(crate) fn power(self, exponent: Self) -> Result {
        if self.is_zero() && exponent.is_negative() {
            return Err("0 has no negative power: that is a division by zero".into());
        }
        match (self, exponent) {
            (Self::Exact(base), Self::Exact(exponent)) => exact_power(&base, &exponent),
            (base, exponent) => real_power(&base, &exponent),
        }
    }

    /// The root of that degree: exact where it is, real else.
    pub(crate) fn root(&self, degree: u32) -> Result {
        if let Self::Exact(number) = self
            && let Some(root) = exact_root(number, degree)
        {
            return Ok(Self::Exact(root));
        }
        if !self.is_negative() {
            return real(self.to_real().nth_root(degree as usize));
        }
        if degree.is_multiple_of(2) {
            return Err("the root of a negative number is not a real number".into());
        }
        Ok(self.clone().negate().root(degree)?.negate())
    }
}

/// `digits` x 10^`exponent`.
pub(crate) fn scaled(digits: IBig, exponent: isize) -> RBig {
    let power = UBig::from(10u8).pow(exponent.unsigned_abs());
    if exponent < 0 { RBig::from_parts(digits, power) } else { RBig::from(digits * IBig::from(power)) }
}

pub(crate) fn exact(number: RBig) -> Result {
    let bits = number.numerator().bit_len().max(number.denominator().bit_len());
    if bits > BITS_MAX { Err(too_large()) } else { Ok(Value::Exact(number)) }
}

pub(crate) fn real(number: DBig) -> Result {
    let repr = number.repr();
    if repr.is_infinite() {
        return Err("the result is not a finite number".into());
    }
    let exponent = repr.exponent().saturating_add_unsigned(number.digits());
    if exponent.abs() > EXPONENT_MAX {
        return Err(too_large());
    }
    Ok(Value::Real(number.with_precision(WORKING_DIGITS).value()))
}

pub(crate) fn too_large() -> String {
    "the result is too large or too small: numbers may have about 10,000 digits; compute with logarithms, or with smaller numbers".into()
}

/// e^x, or why not.
pub(crate) fn exponential(x: &DBig) -> Result {
    // ln(10) x 10 000 is 23 026.
    if x.clone().abs() > DBig::from(23_000) {
        return Err(too_large());
    }
    real(x.exp())
}

fn exact_power(base: &RBig, exponent: &RBig) -> Result {
    if let Some(degree) = root_degree(exponent) {
        let whole = RBig::from(exponent.numerator().clone());
        return Value::Exact(base.clone()).root(degree)?.power(Value::Exact(whole));
    }
    let Some(times) = exponent.is_int().then(|| exponent.numerator()) else {
        return real_power(&Value::Exact(base.clone()), &Value::Exact(exponent.clone()));
    };
    if base.is_zero() || base.is_one() {
        // 0^0 is 1, as in every language that models have read.
        return Ok(if *times == IBig::ZERO { Value::integer(1) } else { Value::Exact(base.clone()) });
    }
    let size = base.numerator().bit_len().max(base.denominator().bit_len()).saturating_sub(1).max(1);
    let times = isize::try_from(times).ok().filter(|n| n.unsigned_abs().saturating_mul(size) <= BITS_MAX);
    let Some(times) = times else { return Err(too_large()) };
    let power = base.pow(times.abs());
    exact(if times < 0 { RBig::ONE / power } else { power })
}

/// The degree of the root that an exponent such as 1/3 or 3/2 asks for, where it is small.
fn root_degree(exponent: &RBig) -> Option<u32> {
    if exponent.is_int() {
        return None;
    }
    u32::try_from(exponent.denominator()).ok().filter(|degree| *degree <= 64)
}

fn exact_root(number: &RBig, degree: u32) -> Option<RBig> {
    let root = |part: &UBig| {
        let root = part.nth_root(degree as usize);
        (root.pow(degree as usize) == *part).then_some(root)
    };
    if number.is_negative() && degree.is_multiple_of(2) {
        return None;
    }
    let root = RBig::from_parts(root(&number.numerator().clone().unsigned_abs())?.into(), root(number.denominator())?);
    Some(if number.is_negative() { -root } else { root })
}

fn real_power(base: &Value, exponent: &Value) -> Result {
    if base.is_zero() {
        return Ok(Value::integer(i32::from(exponent.is_zero())));
    }
    let size = base.clone().absolute().to_real();
    let power = exponential(&(size.ln() * exponent.to_real()))?;
    if !base.is_negative() {
        return Ok(power);
    }
    match exponent.as_integer() {
        Some(times) if times.trailing_zeros() == Some(0) => Ok(power.negate()),
        Some(_) => Ok(power),
        None => Err("a negative number to a broken power is not a real number".into()),
    }
}
