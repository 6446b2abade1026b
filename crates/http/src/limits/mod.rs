//! How much whoever calls the API may do at once, and a minute. Every node counts by itself.

mod caps;
mod quotas;
mod rate;
mod spent;

use std::net::IpAddr;

use runloom_accounts::Caller;

pub(crate) use caps::{NoPlace, StreamCaps, StreamPlace};
pub(crate) use quotas::{Standings, check_storage, check_threads};
pub(crate) use spent::{Spent, seconds as whole_seconds};

use rate::Rate;

/// What callers may do at most; 0 sets no limit. Requests and streams are counted by each node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerLimits {
    /// Requests a minute, and at once, with one API key.
    pub requests_per_key: u32,
    /// The same of one person, with all of their keys and sessions.
    pub requests_per_user: u32,
    /// The same of all members of an organisation.
    pub requests_per_org: u32,
    /// The same from one address without a valid credential. IPv6 addresses count by their first
    /// 64 bits, which is what a household or a machine commonly gets.
    pub requests_per_address: u32,
    /// Event streams that one API key, or a person who has signed in, may have open.
    pub streams_per_caller: u32,
    /// The same of all members of an organisation.
    pub streams_per_org: u32,
    /// Threads that an organisation may have, unless it has a quota of its own.
    pub threads_per_org: u64,
    /// Bytes of text that it may keep, unless it has a quota of its own, as housekeeping measures
    /// them.
    pub stored_bytes_per_org: u64,
}

/// Counts requests.
pub(crate) struct Rates {
    key: Option<Rate>,
    user: Option<Rate>,
    org: Option<Rate>,
    address: Option<Rate>,
}

impl Rates {
    pub(crate) fn new(limits: &CallerLimits) -> Self {
        Self {
            key: Rate::per_minute(limits.requests_per_key),
            user: Rate::per_minute(limits.requests_per_user),
            org: Rate::per_minute(limits.requests_per_org),
            address: Rate::per_minute(limits.requests_per_address),
        }
    }

    /// Counts a request of somebody known: first by what they alone use up, so that one who is
    /// over their own limit takes nothing from the others of their organisation.
    pub(crate) fn of_caller(&self, caller: &Caller) -> Spent {
        let key = caller.api_key_id().map(|key| key.as_uuid().as_u128());
        let user = caller.user_id.as_uuid().as_u128();
        let org = caller.org_id.as_uuid().as_u128();
        let mut spent = Spent::default();
        let counted = [
            ("key", self.key.as_ref(), key),
            ("user", self.user.as_ref(), Some(user)),
            ("org", self.org.as_ref(), Some(org)),
        ];
        for (policy, rate, key) in counted {
            if let (Some(rate), Some(key)) = (rate, key)
                && spent.refused().is_none()
            {
                spent.add(policy, rate.take(key));
            }
        }
        spent
    }

    /// Counts a request of somebody unknown.
    pub(crate) fn of_address(&self, address: IpAddr) -> Spent {
        let mut spent = Spent::default();
        if let Some(rate) = &self.address {
            spent.add("address", rate.take(network(address)));
        }
        spent
    }
}

/// What an address counts as.
fn network(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_network_count_as_one() {
        let same = |one: &str, other: &str| {
            network(one.parse().unwrap()) == network(other.parse().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        let rates = Rates::new(&CallerLimits {
            requests_per_address: 1,
            ..CallerLimits::default()
        });
        let refused = |address: &str| {
            let spent = rates.of_address(address.parse().unwrap());
            spent.refused().is_some()
        };
        assert!(!refused("2001:db8::1") && refused("2001:db8::2") && !refused("192.0.2.1"));
    }

    #[test]
    fn without_limits_nothing_is_said() {
        let rates = Rates::new(&CallerLimits::default());
        assert!(rates.of_address("192.0.2.1".parse().unwrap()).is_empty());
    }
}
