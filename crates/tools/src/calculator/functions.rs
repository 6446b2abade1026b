use std::f64::consts;

use super::CalcError;
use super::number::Number;

/// The value of a name that stands alone.
pub(super) fn constant(name: &str) -> Option<Number> {
    match name.to_ascii_lowercase().as_str() {
        "pi" => Some(Number::Float(consts::PI)),
        "e" => Some(Number::Float(consts::E)),
        "tau" => Some(Number::Float(consts::TAU)),
        _ => None,
    }
}

/// The value of a function.
pub(super) fn apply(name: &str, arguments: &[Number]) -> Result<Number, CalcError> {
    let lower = name.to_ascii_lowercase();
    match (lower.as_str(), arguments) {
        ("abs", &[x]) if x.as_f64() < 0.0 => x.neg(),
        ("abs", &[x]) => Ok(x),
        ("round" | "floor" | "ceil" | "trunc", &[whole @ Number::Int(_)]) => Ok(whole),
        ("round", &[x]) => Number::of(x.as_f64().round()),
        ("round", &[x, digits]) => round_to(x, digits),
        ("floor", &[x]) => Number::of(x.as_f64().floor()),
        ("ceil", &[x]) => Number::of(x.as_f64().ceil()),
        ("trunc", &[x]) => Number::of(x.as_f64().trunc()),
        ("factorial", &[x]) => x.factorial(),
        ("pow", &[x, y]) => x.pow(y),
        ("mod", &[x, y]) => x.rem(y),
        ("min", &[first, ref rest @ ..]) => Ok(choose(first, rest, |a, b| a < b)),
        ("max", &[first, ref rest @ ..]) => Ok(choose(first, rest, |a, b| a > b)),
        ("sum", numbers) => sum(numbers),
        ("avg" | "mean", numbers @ [_, ..]) => sum(numbers)?.div(Number::Int(count(numbers))),
        ("log", &[x, base]) => logarithm(x, f64::ln)?.div(logarithm(base, f64::ln)?),
        ("ln", &[x]) => logarithm(x, f64::ln),
        ("log" | "log10", &[x]) => logarithm(x, f64::log10),
        ("log2", &[x]) => logarithm(x, f64::log2),
        (other, &[x]) => real(other, x.as_f64()).ok_or_else(|| unknown(name, arguments))?,
        ("atan2", &[y, x]) => Number::of(y.as_f64().atan2(x.as_f64())),
        ("hypot", &[x, y]) => Number::of(x.as_f64().hypot(y.as_f64())),
        _ => Err(unknown(name, arguments)),
    }
}

/// Functions of one real number; `None` when there is none of the name.
fn real(name: &str, x: f64) -> Option<Result<Number, CalcError>> {
    let y = match name {
        "sqrt" if x < 0.0 => {
            let message = "the square root of a negative number is not real";
            return Some(Err(CalcError::Math(message.to_owned())));
        }
        "sqrt" => x.sqrt(),
        "cbrt" => x.cbrt(),
        "exp" => x.exp(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "asin" => x.asin(),
        "acos" => x.acos(),
        "atan" => x.atan(),
        "sinh" => x.sinh(),
        "cosh" => x.cosh(),
        "tanh" => x.tanh(),
        "radians" | "rad" => x.to_radians(),
        "degrees" | "deg" => x.to_degrees(),
        _ => return None,
    };
    Some(Number::of(y))
}

fn logarithm(x: Number, of: fn(f64) -> f64) -> Result<Number, CalcError> {
    if x.as_f64() > 0.0 {
        Number::of(of(x.as_f64()))
    } else {
        let message = "only positive numbers have a logarithm";
        Err(CalcError::Math(message.to_owned()))
    }
}

/// Rounds to so many decimals, halves away from zero as they are written.
fn round_to(x: Number, digits: Number) -> Result<Number, CalcError> {
    let Number::Int(digits @ 0..=15) = digits else {
        let message = "round takes a number and how many decimals to keep, 0 to 15";
        return Err(CalcError::Math(message.to_owned()));
    };
    if let Number::Int(_) = x {
        return Ok(x);
    }
    let scale = 10_f64.powi(digits as i32);
    let scaled = x.as_f64() * scale;
    if scaled.is_finite() {
        Number::of(scaled.round() / scale)
    } else {
        Ok(x)
    }
}

fn choose(first: Number, rest: &[Number], better: fn(f64, f64) -> bool) -> Number {
    rest.iter().fold(first, |best, &next| {
        if better(next.as_f64(), best.as_f64()) {
            next
        } else {
            best
        }
    })
}

fn sum(numbers: &[Number]) -> Result<Number, CalcError> {
    numbers
        .iter()
        .try_fold(Number::Int(0), |sum, &next| sum.add(next))
}

fn count(numbers: &[Number]) -> i128 {
    numbers.len() as i128
}

fn unknown(name: &str, arguments: &[Number]) -> CalcError {
    CalcError::Syntax(format!(
        "there is no function {name} of {} numbers",
        arguments.len()
    ))
}
