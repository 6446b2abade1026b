//! Slowing down whoever guesses passwords.
//!
//! Wrong attempts are counted by name and address together, and by address alone; after a few
//! each further one has to wait longer. Whether the name exists plays no part, so the answer
//! tells nothing of it. An attempt from one address never makes another address wait, so nobody
//! can lock a person out of their account.
//!
//! Each node counts for itself, in memory: a restart forgets, and a deployment of several nodes
//! lets as many times more through. That is a few guesses a minute, where a password that is
//! accepted withstands millions.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quick_cache::unsync::Cache;
use tokio::time::Instant;

use crate::derive::keyed_hash;
use crate::{AccountError, random};

/// How many names and addresses a node remembers; whoever comes back least is forgotten.
const REMEMBERED: usize = 20_000;

/// After this time without a wrong attempt all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(15);

/// The wait after the first attempt that isn't free; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How patient we are.
struct Rule {
    /// Wrong attempts that nobody has to wait for.
    free: u32,
    /// The longest wait.
    longest: Duration,
}

/// For one name from one address: somebody who has forgotten their password.
const NAME: Rule = Rule {
    free: 5,
    longest: Duration::from_mins(1),
};

/// For all names from one address, which an office may share.
const ADDRESS: Rule = Rule {
    free: 50,
    longest: Duration::from_secs(30),
};

/// Wrong attempts and what follows from them.
#[derive(Clone, Copy)]
struct Tries {
    wrong: u32,
    last: Instant,
    next_at: Instant,
}

/// The wrong attempts that a node knows of.
pub(crate) struct Throttle {
    /// Names are kept as hashes, so that a long one takes no more room. The key makes it
    /// impossible to choose two that share one.
    key: [u8; 32],
    tries: Mutex<Cache<[u8; 32], Tries>>,
}

/// An attempt that may be made.
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    name: [u8; 32],
    address: [u8; 32],
}

impl Throttle {
    pub(crate) fn new() -> Self {
        Self {
            key: random::bytes(),
            tries: Mutex::new(Cache::new(REMEMBERED)),
        }
    }

    /// Lets an attempt to sign in as `name` be made, or fails with
    /// [`AccountError::TooManyAttempts`]. Where a wait is due one attempt may be made at a time.
    pub(crate) fn admit(&self, name: &str, from: IpAddr) -> Result<Attempt<'_>, AccountError> {
        let attempt = Attempt {
            throttle: self,
            name: self.of_name(name, from),
            address: self.of_address(from),
        };
        let now = Instant::now();
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let both = [(attempt.name, &NAME), (attempt.address, &ADDRESS)];
        let waits = both.iter().filter_map(|(key, _)| {
            let found = tries.get(key).filter(|tries| !tries.is_forgotten(now))?;
            found.next_at.checked_duration_since(now)
        });
        if let Some(retry_after) = waits.max().filter(|wait| !wait.is_zero()) {
            return Err(AccountError::TooManyAttempts { retry_after });
        }
        for (key, rule) in both {
            if let Some(mut found) = tries.get_mut(&key) {
                found.next_at = now + rule.wait(found.wrong_at(now));
            }
        }
        drop(tries);
        Ok(attempt)
    }

    fn of_name(&self, name: &str, from: IpAddr) -> [u8; 32] {
        let from = network(from);
        keyed_hash(&self.key, &[&from, name.to_lowercase().as_bytes()].concat())
    }

    fn of_address(&self, from: IpAddr) -> [u8; 32] {
        keyed_hash(&self.key, &network(from))
    }
}

impl Attempt<'_> {
    /// The password was wrong.
    pub(crate) fn failed(self) {
        let now = Instant::now();
        let tries = &self.throttle.tries;
        let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, rule) in [(self.name, &NAME), (self.address, &ADDRESS)] {
            let before = tries.get(&key).map_or(0, |tries| tries.wrong_at(now));
            let wrong = before.saturating_add(1);
            let counted = Tries {
                wrong,
                last: now,
                next_at: now + rule.wait(wrong),
            };
            tries.insert(key, counted);
        }
    }

    /// The password was right: the name starts anew. The address doesn't, or somebody with an
    /// account of their own could go on guessing those of others.
    pub(crate) fn succeeded(self) {
        let tries = &self.throttle.tries;
        let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.remove(&self.name);
    }
}

impl Tries {
    fn is_forgotten(&self, now: Instant) -> bool {
        now.duration_since(self.last) >= FORGOTTEN_AFTER
    }

    /// How many there were that aren't forgotten.
    fn wrong_at(&self, now: Instant) -> u32 {
        if self.is_forgotten(now) {
            0
        } else {
            self.wrong
        }
    }
}

impl Rule {
    /// How long to wait after so many wrong attempts.
    fn wait(&self, wrong: u32) -> Duration {
        let Some(more) = wrong.checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(more));
        doubled.min(self.longest)
    }
}

/// What counts as one address. Whoever has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "192.0.2.1";
    const THERE: &str = "192.0.2.2";

    /// How long somebody has to wait, in seconds; the attempt is a wrong one.
    fn guess(throttle: &Throttle, name: &str, from: &str) -> u64 {
        match throttle.admit(name, from.parse().unwrap()) {
            Ok(attempt) => {
                attempt.failed();
                0
            }
            Err(AccountError::TooManyAttempts { retry_after }) => retry_after.as_secs(),
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_wrong_attempt_waits_longer_and_nobody_else_does() {
        let throttle = Throttle::new();
        for _ in 0..5 {
            assert_eq!(guess(&throttle, "ada", HERE), 0);
        }
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(guess(&throttle, "ADA", HERE), wait);
            assert_eq!(guess(&throttle, "ada", THERE), 0, "another address");
            throttle
                .tries
                .lock()
                .unwrap()
                .remove(&throttle.of_name("ada", THERE.parse().unwrap()));
            assert_eq!(
                guess(&throttle, &format!("bob{wait}"), HERE),
                0,
                "another name"
            );
            tokio::time::advance(Duration::from_secs(wait)).await;
            assert_eq!(guess(&throttle, "ada", HERE), 0);
        }
        tokio::time::advance(FORGOTTEN_AFTER).await;
        for _ in 0..5 {
            assert_eq!(guess(&throttle, "ada", HERE), 0);
        }
        assert_eq!(guess(&throttle, "ada", HERE), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_password_starts_anew_and_parallel_guesses_go_one_by_one() {
        let throttle = Throttle::new();
        let from: IpAddr = HERE.parse().unwrap();
        for _ in 0..5 {
            guess(&throttle, "ada", HERE);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        let right = throttle.admit("ada", from).ok().unwrap();
        assert_eq!(
            guess(&throttle, "ada", HERE),
            1,
            "while the other is being checked"
        );
        right.succeeded();
        for _ in 0..5 {
            assert_eq!(guess(&throttle, "ada", HERE), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_tries_many_names_waits_too() {
        let throttle = Throttle::new();
        for name in 0..50 {
            // Addresses of one network are one.
            let from = format!("2001:db8:0:1::{name:x}");
            assert_eq!(guess(&throttle, &format!("n{name}"), &from), 0);
        }
        assert_eq!(guess(&throttle, "another", "2001:db8:0:1:ffff::1"), 1);
        assert_eq!(guess(&throttle, "another", "2001:db8:0:2::1"), 0);
        let address = throttle.of_address("::ffff:192.0.2.1".parse().unwrap());
        assert_eq!(address, throttle.of_address(HERE.parse().unwrap()));
    }
}
