use std::fmt;

use super::CalcError;

/// A value on the way through an expression: exact as long as it can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// An exact integer.
    Int(i128),
    /// Double precision, always finite.
    Float(f64),
}

use Number::{Float, Int};

/// Significant decimal digits of a double that can be trusted.
const DIGITS: usize = 15;

fn math(message: &str) -> CalcError {
    CalcError::Math(message.to_owned())
}

impl Number {
    /// What somebody wrote: digits, a fraction, an exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(int) = text.parse() {
            return Some(Int(int));
        }
        text.parse().ok().and_then(|x| Self::of(x).ok())
    }

    /// A result of floating point arithmetic; whole ones become exact while doubles are.
    pub(super) fn of(x: f64) -> Result<Self, CalcError> {
        /// 2^53: up to here every whole double is one integer.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if x.is_nan() {
            Err(math("the result is not a real number"))
        } else if x.is_infinite() {
            Err(math("the result is too large"))
        } else if x.fract() == 0.0 && x.abs() < EXACT {
            Ok(Int(x as i128))
        } else {
            Ok(Float(x))
        }
    }

    /// As a double.
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Int(n) => n as f64,
            Float(x) => x,
        }
    }

    /// Exactly when both are integers and the result fits, in double precision else.
    fn either(
        self,
        other: Self,
        exact: fn(i128, i128) -> Option<i128>,
        rounded: fn(f64, f64) -> f64,
    ) -> Result<Self, CalcError> {
        if let (Int(a), Int(b)) = (self, other)
            && let Some(n) = exact(a, b)
        {
            return Ok(Int(n));
        }
        Self::of(rounded(self.as_f64(), other.as_f64()))
    }

    pub(super) fn add(self, other: Self) -> Result<Self, CalcError> {
        self.either(other, i128::checked_add, |a, b| a + b)
    }

    pub(super) fn sub(self, other: Self) -> Result<Self, CalcError> {
        self.either(other, i128::checked_sub, |a, b| a - b)
    }

    pub(super) fn mul(self, other: Self) -> Result<Self, CalcError> {
        self.either(other, i128::checked_mul, |a, b| a * b)
    }

    pub(super) fn div(self, other: Self) -> Result<Self, CalcError> {
        if other.as_f64() == 0.0 {
            return Err(math("division by zero"));
        }
        let exact = |a: i128, b: i128| (a.checked_rem(b)? == 0).then(|| a / b);
        self.either(other, exact, |a, b| a / b)
    }

    /// The remainder, with the sign of the dividend.
    pub(super) fn rem(self, other: Self) -> Result<Self, CalcError> {
        if other.as_f64() == 0.0 {
            return Err(math("division by zero"));
        }
        self.either(other, i128::checked_rem, |a, b| a % b)
    }

    pub(super) fn pow(self, other: Self) -> Result<Self, CalcError> {
        if self.as_f64() == 0.0 && other.as_f64() < 0.0 {
            return Err(math("division by zero"));
        }
        let exact = |a: i128, b: i128| a.checked_pow(u32::try_from(b).ok()?);
        self.either(other, exact, f64::powf)
    }

    pub(super) fn neg(self) -> Result<Self, CalcError> {
        Int(0).sub(self)
    }

    /// The product of the integers from 1 on.
    pub(super) fn factorial(self) -> Result<Self, CalcError> {
        // 171! is beyond double precision.
        let Int(n @ 0..=170) = self else {
            return Err(math("factorial takes an integer from 0 to 170"));
        };
        (1..=n).try_fold(Int(1), |product, factor| product.mul(Int(factor)))
    }
}

impl fmt::Display for Number {
    /// Integers in full; other numbers with 15 significant digits, trailing zeros cut, with an
    /// exponent when very large or small.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = match self {
            Int(n) => return n.fmt(f),
            Float(x) => *x,
        };
        let scientific = format!("{x:.*e}", DIGITS - 1);
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if (-6..DIGITS as i32).contains(&exponent) {
            let decimals = usize::try_from(DIGITS as i32 - 1 - exponent).unwrap_or(0);
            f.write_str(trimmed(&format!("{x:.decimals$}")))
        } else {
            write!(f, "{}e{exponent}", trimmed(mantissa))
        }
    }
}

/// Without the zeros that a fraction ends with.
fn trimmed(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}
