use anyhow::Result;
use runloom_http::{CallerLimits, HttpSettings};
use serde::Deserialize;

use super::{Environment, Mode};

/// `[limits]`: how much those who use the API may do. Requests and streams are counted by each
/// node; if they aren't limited here they have a generous limit in production mode and none in
/// development mode. 0 sets no limit in either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// `RUNLOOM_REQUESTS_PER_KEY`: requests a minute, and at once, with one API key. Default
    /// 6,000.
    pub requests_per_key: Option<u32>,
    /// `RUNLOOM_REQUESTS_PER_USER`: the same of one person, with all of their keys and sessions.
    /// Default 12,000.
    pub requests_per_user: Option<u32>,
    /// `RUNLOOM_REQUESTS_PER_ORG`: the same of all members of an organisation. Default 60,000.
    pub requests_per_org: Option<u32>,
    /// `RUNLOOM_REQUESTS_PER_ADDRESS`: the same from one address without a valid credential.
    /// Default 600.
    pub requests_per_address: Option<u32>,
    /// `RUNLOOM_STREAMS_PER_CALLER`: event streams that one API key, or a person who has signed
    /// in, may have open. Default 1,000.
    pub streams_per_caller: Option<u32>,
    /// `RUNLOOM_STREAMS_PER_ORG`: the same of all members of an organisation. Default 5,000.
    pub streams_per_org: Option<u32>,
    /// `RUNLOOM_THREADS_PER_ORG`: threads that an organisation may have, unless it has a limit
    /// of its own. 0, the default in either mode, sets no limit.
    pub threads_per_org: u64,
    /// `RUNLOOM_STORED_BYTES_PER_ORG`: bytes of text that an organisation may keep, unless it has
    /// a limit of its own. 0, the default in either mode, sets no limit, and nothing is measured.
    pub stored_bytes_per_org: u64,
}

/// What production mode sets, if the operator says nothing.
const DEFAULT: CallerLimits = CallerLimits {
    requests_per_key: 6_000,
    requests_per_user: 12_000,
    requests_per_org: 60_000,
    requests_per_address: 600,
    streams_per_caller: 1_000,
    streams_per_org: 5_000,
    threads_per_org: 0,
    stored_bytes_per_org: 0,
};

impl Limits {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        for (name, limit) in [
            ("RUNLOOM_REQUESTS_PER_KEY", &mut self.requests_per_key),
            ("RUNLOOM_REQUESTS_PER_USER", &mut self.requests_per_user),
            ("RUNLOOM_REQUESTS_PER_ORG", &mut self.requests_per_org),
            (
                "RUNLOOM_REQUESTS_PER_ADDRESS",
                &mut self.requests_per_address,
            ),
            ("RUNLOOM_STREAMS_PER_CALLER", &mut self.streams_per_caller),
            ("RUNLOOM_STREAMS_PER_ORG", &mut self.streams_per_org),
        ] {
            if let Some(said) = environment.parsed(name)? {
                *limit = Some(said);
            }
        }
        environment.replace("RUNLOOM_THREADS_PER_ORG", &mut self.threads_per_org)?;
        environment.replace(
            "RUNLOOM_STORED_BYTES_PER_ORG",
            &mut self.stored_bytes_per_org,
        )
    }

    /// Tells the API.
    pub fn tell_http(&self, mode: Mode, settings: &mut HttpSettings) {
        let or = |said: Option<u32>, default: u32| match mode {
            Mode::Production => said.unwrap_or(default),
            Mode::Development => said.unwrap_or(0),
        };
        settings.limits = CallerLimits {
            requests_per_key: or(self.requests_per_key, DEFAULT.requests_per_key),
            requests_per_user: or(self.requests_per_user, DEFAULT.requests_per_user),
            requests_per_org: or(self.requests_per_org, DEFAULT.requests_per_org),
            requests_per_address: or(self.requests_per_address, DEFAULT.requests_per_address),
            streams_per_caller: or(self.streams_per_caller, DEFAULT.streams_per_caller),
            streams_per_org: or(self.streams_per_org, DEFAULT.streams_per_org),
            threads_per_org: self.threads_per_org,
            stored_bytes_per_org: self.stored_bytes_per_org,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(mode: Mode, variables: &[(&str, &str)]) -> CallerLimits {
        let pairs = variables.iter();
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut limits = Limits::default();
        limits.overlay(&mut pairs.collect()).unwrap();
        let mut settings = HttpSettings::default();
        limits.tell_http(mode, &mut settings);
        settings.limits
    }

    #[test]
    fn production_is_limited_unless_it_is_told_otherwise() {
        assert_eq!(told(Mode::Development, &[]), CallerLimits::default());
        assert_eq!(told(Mode::Production, &[]), DEFAULT);
        let said = [
            ("RUNLOOM_REQUESTS_PER_KEY", "0"),
            ("RUNLOOM_STREAMS_PER_ORG", "7"),
            ("RUNLOOM_THREADS_PER_ORG", "8"),
        ];
        for (mode, rest) in [
            (Mode::Production, DEFAULT),
            (Mode::Development, CallerLimits::default()),
        ] {
            let expected = CallerLimits {
                requests_per_key: 0,
                streams_per_org: 7,
                threads_per_org: 8,
                ..rest
            };
            assert_eq!(told(mode, &said), expected);
        }
    }
}
