use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::NanoUsd;

/// A number that was written in decimal, kept exactly: `"0.15"`, `0.15` and `3` in TOML and JSON.
///
/// `PLACES` is how many decimals are kept; more of them are an error rather than rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal<const PLACES: u32>(u64);

impl<const PLACES: u32> Decimal<PLACES> {
    /// The number times ten to the power of `PLACES`.
    pub const fn scaled(self) -> u64 {
        self.0
    }

    /// From the number times ten to the power of `PLACES`.
    pub const fn from_scaled(scaled: u64) -> Self {
        Self(scaled)
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        let places = u32::try_from(fraction.len()).ok()?;
        if whole.is_empty() || !digits(whole) || !digits(fraction) || places > PLACES {
            return None;
        }
        let fraction = match fraction {
            "" => 0,
            digits => digits.parse::<u64>().ok()? * 10_u64.pow(PLACES - places),
        };
        let whole: u64 = whole.parse().ok()?;
        let scaled = whole
            .checked_mul(10_u64.pow(PLACES))?
            .checked_add(fraction)?;
        // The amounts that are made of it are signed.
        i64::try_from(scaled).is_ok().then_some(Self(scaled))
    }
}

/// Dollars with nine decimals are nano-dollars.
impl From<Decimal<9>> for NanoUsd {
    fn from(dollars: Decimal<9>) -> Self {
        Self::from_nanos(dollars.0 as i64)
    }
}

impl<const PLACES: u32> FromStr for Decimal<PLACES> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| {
            format!("{text:?} is not a number from 0 with at most {PLACES} decimals")
        })
    }
}

impl<'de, const PLACES: u32> Deserialize<'de> for Decimal<PLACES> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Whole(u64),
            Float(f64),
            Text(String),
        }
        let text = match Written::deserialize(from)? {
            Written::Whole(number) => number.to_string(),
            // The shortest form that reads back as this float: what was written.
            Written::Float(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nano(value: &str) -> Option<u64> {
        let number = serde_json::from_str::<Decimal<9>>(value).ok()?;
        Some(number.scaled())
    }

    #[test]
    fn what_is_written_is_what_counts() {
        assert_eq!(nano("3"), Some(3_000_000_000));
        assert_eq!(nano("0.1"), Some(100_000_000));
        assert_eq!(nano("0.3"), Some(300_000_000));
        assert_eq!(nano("\"0.075\""), Some(75_000_000));
        assert_eq!(nano("\"1.0000000010\""), Some(1_000_000_001));
        assert_eq!(nano("0.0"), Some(0));
        assert_eq!(nano("1e-9"), Some(1));
        assert_eq!(
            NanoUsd::from(Decimal::<9>(150_000_000)),
            NanoUsd::from_nanos(150_000_000)
        );
    }

    #[test]
    fn what_cannot_be_kept_exactly_is_refused() {
        for bad in [
            "-1",
            "\"-1\"",
            "\"\"",
            "\".5\"",
            "\"1e3\"",
            "\"0.0000000001\"",
            "1e300",
            "\"9223372037\"",
            "true",
            "null",
        ] {
            assert_eq!(nano(bad), None, "{bad}");
        }
    }
}
