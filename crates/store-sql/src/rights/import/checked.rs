//! The first reading of a file: whether it is whole, and when its runs began.

use std::collections::BTreeSet;
use std::path::Path;

use runloom_domain::{RunId, Timestamp};
use serde::Deserialize;

use super::super::RightsError;
use super::super::objects::RUN_KIND;
use super::{object, open};

/// How much the clocks of deployments may differ.
const SKEW_MS: i64 = 24 * 60 * 60 * 1_000;

/// What of a run's line is looked at.
#[derive(Deserialize)]
struct Begun {
    run_id: RunId,
}

/// Reads a file to its end, and returns the months of its runs by names like `2020_01`.
pub(super) fn check(file: &Path, now: Timestamp) -> Result<BTreeSet<String>, RightsError> {
    let mut months = BTreeSet::new();
    let mut reader = open(file)?;
    while let Some((kind, text)) = reader.next()? {
        let month = object(kind).and_then(|object| match object.kind {
            RUN_KIND => month(text, now).map(Some),
            _ => Ok(None),
        });
        let line = reader.number();
        months.extend(month.map_err(|reason| RightsError::Line { line, reason })?);
    }
    Ok(months)
}

/// The month in which a run began, with whose milliseconds its id begins. The log is kept by
/// these, and one that is far ahead would be in the way of all others.
fn month(line: &str, now: Timestamp) -> Result<String, String> {
    let begun: Begun = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let millis = i64::try_from(begun.run_id.as_uuid().as_u128() >> 80).unwrap_or(i64::MAX);
    if millis > now.as_micros() / 1_000 + SKEW_MS {
        return Err("its run_id is of a time to come".to_owned());
    }
    let shown = Timestamp::from_micros(millis * 1_000).to_string();
    let month = shown.get(..7).unwrap_or_default();
    Ok(month.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_the_month_that_its_id_begins_with() {
        let now = Timestamp::from_micros(1_578_182_400_000_000);
        let of = |id: &str| month(&format!("{{\"run_id\":\"{id}\",\"turn\":1}}"), now);
        let january = "016f5e66-e800-7000-8000-000000000000";
        assert_eq!(of(january), Ok("2020_01".to_owned()));
        let december = "016f5e66-e7ff-7000-8000-000000000000";
        assert_eq!(of(december), Ok("2019_12".to_owned()));
        let february = "016ffe0c-1c00-7000-8000-000000000000";
        assert!(of(february).unwrap_err().contains("a time to come"));
        assert!(of("ffffffff-ffff-ffff-ffff-ffffffffffff").is_err());
        assert!(of("7").is_err());
    }
}
