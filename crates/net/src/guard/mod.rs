//! HTTP clients for URLs of others, which must not reach what only this machine can reach.
//!
//! What is guarded is the address of each connection, at the moment when it is made. Names are
//! resolved by the client's own resolver, which hands over only what the [`Policy`] lets pass,
//! and the client connects to exactly these: a name that means something else a moment later
//! changes nothing. An address that stands in the URL itself is judged by the same rules.
//!
//! ```
//! use runloom_net::guard::{ClientOptions, Guard, Policy};
//!
//! let guard = Guard::new(Policy::default());
//! let client = guard.client(&ClientOptions::default())?;
//! let url = guard.checked("https://example.com/hook")?;
//! let request = client.get(url);
//! # drop(request);
//! assert!(guard.checked("http://169.254.169.254/latest/meta-data").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Ports are free: whoever offers a service to us chooses its port, and a server on the
//! internet can be reached by its other ports from anywhere.

mod address;
mod body;
mod client;
mod policy;
mod refused;
mod resolve;

use std::sync::Arc;

use reqwest::Client;
use url::{Host, Url};

pub use body::{BodyCaps, BodyError, read_body};
pub use client::{ClientError, ClientOptions};
pub use ipnet::IpNet;
pub use policy::Policy;
pub use refused::Refused;

use resolve::{Filtered, System};

/// What makes clients and checks URLs by one policy. Clones share their resolver.
#[derive(Clone)]
pub struct Guard {
    policy: Arc<Policy>,
    resolver: Arc<Filtered>,
}

impl Guard {
    /// A guard by this policy, with the system's resolver.
    pub fn new(policy: Policy) -> Self {
        let policy = Arc::new(policy);
        let resolver = Filtered::new(Arc::new(System::new()), Arc::clone(&policy));
        Self {
            policy,
            resolver: Arc::new(resolver),
        }
    }

    /// Reads a URL and [checks](Self::check_url) it.
    pub fn checked(&self, url: &str) -> Result<Url, Refused> {
        let url = Url::parse(url).map_err(Refused::Unreadable)?;
        self.check_url(&url)?;
        Ok(url)
    }

    /// Whether a URL may be used, as far as it tells by itself: `http` or `https`, no user or
    /// password in it, and an address that the policy lets pass if it has one instead of a
    /// name. What a name means is checked when a [client](Self::client) connects.
    pub fn check_url(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        match literal(url) {
            Some(address) => self.policy.check(address),
            None => Ok(()),
        }
    }

    /// A client whose connections all go to addresses that the policy lets pass. It follows no
    /// redirect, so the caller gets the 3xx; it uses no proxy, tries nothing twice, keeps no
    /// cookie, and takes content as it comes, without decompressing it.
    ///
    /// When it refuses an address, [`Refused::of`] finds it in the client's error. It doesn't
    /// look at the rest of the URL: whoever takes one from others checks it first.
    pub fn client(&self, options: &ClientOptions) -> Result<Client, ClientError> {
        client::build(options, &self.policy, Arc::clone(&self.resolver))
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// The address in a URL that has one instead of a name. The URL's parser has already read all
/// the ways to write one, such as `0x7f.1` and `2130706433`.
fn literal(url: &Url) -> Option<std::net::IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests;
