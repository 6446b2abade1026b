//! What a request has used up, as its answer says it.

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::rate::{Left, WINDOW};

/// The names of the IETF's draft (`draft-ietf-httpapi-ratelimit-headers`), and the three that
/// most clients know.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What is left of each quota that a request counts against.
#[derive(Default)]
pub(crate) struct Spent(Vec<(&'static str, Left)>);

impl Spent {
    pub(super) fn add(&mut self, policy: &'static str, left: Left) {
        self.0.push((policy, left));
    }

    /// Whether nothing limits the request.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long to wait, when the request comes too early.
    pub(crate) fn refused(&self) -> Option<Duration> {
        self.0.iter().find_map(|(_, left)| left.wait)
    }

    /// Says it in an answer. The three old names speak of the quota that will be used up first.
    pub(crate) fn say(&self, headers: &mut HeaderMap) {
        let first = self.0.iter().min_by_key(|(_, left)| left.remaining);
        let Some((_, first)) = first else { return };
        let (mut policy, mut state) = (String::new(), String::new());
        for (name, left) in &self.0 {
            let comma = if policy.is_empty() { "" } else { ", " };
            let (quota, window) = (left.quota, WINDOW.as_secs());
            let (remaining, whole_in) = (left.remaining, seconds(left.whole_in));
            // Writing to a string can't fail.
            let _ = write!(policy, "{comma}\"{name}\";q={quota};w={window}");
            let _ = write!(state, "{comma}\"{name}\";r={remaining};t={whole_in}");
        }
        for (name, value) in [(POLICY, policy), (STATE, state)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        headers.insert(LIMIT, HeaderValue::from(first.quota));
        headers.insert(REMAINING, HeaderValue::from(first.remaining));
        headers.insert(RESET, HeaderValue::from(seconds(first.whole_in)));
    }
}

/// Whole seconds, so that who waits for them doesn't come too early.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quota_is_named_and_the_scarcest_by_the_old_names() {
        let left = |quota, remaining, millis| Left {
            quota,
            remaining,
            whole_in: Duration::from_millis(millis),
            wait: (remaining == 0).then_some(Duration::from_millis(10)),
        };
        let mut spent = Spent::default();
        spent.add("key", left(100, 99, 600));
        assert_eq!(spent.refused(), None);
        spent.add("org", left(6, 0, 60_000));
        assert_eq!(spent.refused(), Some(Duration::from_millis(10)));
        let mut headers = HeaderMap::new();
        spent.say(&mut headers);
        let said = |name: HeaderName| headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(said(POLICY), "\"key\";q=100;w=60, \"org\";q=6;w=60");
        assert_eq!(said(STATE), "\"key\";r=99;t=1, \"org\";r=0;t=60");
        assert_eq!([LIMIT, REMAINING, RESET].map(said), ["6", "0", "60"]);
    }
}
