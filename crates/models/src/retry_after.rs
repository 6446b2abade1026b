//! How long a provider asks to wait.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use runloom_domain::{Clock, Timestamp};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// Longer wishes are cut to a day, so that no arithmetic on them can overflow.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads `retry-after-ms`, else `Retry-After` as seconds or as an HTTP date. A date is compared
/// with the provider's own `Date`, so that the two clocks need not agree.
pub(crate) fn retry_after(headers: &HeaderMap, clock: &dyn Clock) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = number(text("retry-after-ms"), 1e-3)
        .or_else(|| number(text(RETRY_AFTER.as_str()), 1.0))
        .or_else(|| {
            let until = date(text(RETRY_AFTER.as_str()))?;
            let now = date(text(DATE.as_str())).unwrap_or_else(|| clock.now());
            Some(until.since(now))
        })?;
    Some(asked.min(LONGEST))
}

fn number(text: Option<&str>, unit_seconds: f64) -> Option<Duration> {
    let number: f64 = text?.parse().ok().filter(|number| *number >= 0.0)?;
    Some(Duration::try_from_secs_f64(number * unit_seconds).unwrap_or(LONGEST))
}

/// An HTTP date; its form is one of RFC 2822's.
fn date(text: Option<&str>) -> Option<Timestamp> {
    let date = OffsetDateTime::parse(text?, &Rfc2822).ok()?;
    let micros = i64::try_from(date.unix_timestamp_nanos() / 1_000).ok()?;
    Some(Timestamp::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;
    use runloom_domain::ManualClock;

    fn read(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let pairs = headers.iter();
        let map = pairs
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        // 2015-10-21T07:28:00Z
        retry_after(
            &map,
            &ManualClock::new(Timestamp::from_micros(1_445_412_480_000_000)),
        )
    }

    #[test]
    fn every_form_is_read() {
        let millis = |headers: &[_]| read(headers).map(|d| d.as_millis());
        assert_eq!(millis(&[("retry-after", "7")]), Some(7_000));
        assert_eq!(millis(&[("retry-after", "0.25")]), Some(250));
        assert_eq!(
            millis(&[("retry-after", "7"), ("retry-after-ms", "1500")]),
            Some(1_500)
        );
        let later = ("retry-after", "Wed, 21 Oct 2015 07:28:09 GMT");
        assert_eq!(millis(&[later]), Some(9_000));
        let theirs = ("date", "Wed, 21 Oct 2015 07:28:05 GMT");
        assert_eq!(millis(&[later, theirs]), Some(4_000));
        assert_eq!(
            millis(&[("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT")]),
            Some(0)
        );
    }

    #[test]
    fn nonsense_is_no_wish_and_absurd_ones_are_cut() {
        for nonsense in ["", "-1", "NaN", "soon", "Wed, 99 Oct 2015 07:28:00 GMT"] {
            assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(
            read(&[("retry-after", "99999999999999999999")]),
            Some(LONGEST)
        );
        assert_eq!(read(&[("retry-after", "inf")]), Some(LONGEST));
    }
}
