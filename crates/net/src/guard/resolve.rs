//! Where a client's addresses come from.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::{Policy, Refused};

/// What no name can end in that means something (RFC 6761), for addresses in URLs that are
/// refused.
pub(super) const REFUSED: &str = "refused.invalid";

/// How many names are looked up at once. A name server that never answers holds a thread for
/// each, and there are 512 of them for all that blocks in this process.
const LOOKUPS: usize = 64;

/// The system's resolver.
pub(super) struct System {
    lookups: Arc<Semaphore>,
}

impl System {
    pub(super) fn new() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        let lookups = Arc::clone(&self.lookups);
        Box::pin(async move {
            let permit = lookups.acquire_owned().await?;
            let lookup = tokio::task::spawn_blocking(move || {
                // The thread goes on when nobody waits for it any more, and so its permit is
                // the thread's.
                let _permit = permit;
                (name.as_str(), 0).to_socket_addrs()
            });
            Ok(Box::new(lookup.await??) as Addrs)
        })
    }
}

/// Another resolver's answers, without the addresses that the policy refuses.
pub(super) struct Filtered {
    inner: Arc<dyn Resolve>,
    policy: Arc<Policy>,
}

impl Filtered {
    pub(super) fn new(inner: Arc<dyn Resolve>, policy: Arc<Policy>) -> Self {
        Self { inner, policy }
    }
}

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = name.as_str().to_owned();
        if asked == REFUSED {
            return Box::pin(std::future::ready(Err(Refused::Unchecked.into())));
        }
        let policy = Arc::clone(&self.policy);
        let found = self.inner.resolve(name);
        Box::pin(async move {
            let addresses = filter(&policy, asked, found.await?)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn filter(
    policy: &Policy,
    name: String,
    addresses: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Refused> {
    let mut first = None;
    let mut kept = Vec::new();
    for address in addresses {
        match policy.check(address.ip()) {
            Ok(()) => kept.push(address),
            Err(refused) => first = first.or(Some(refused)),
        }
    }
    match first {
        Some(source) if kept.is_empty() => Err(Refused::Name {
            name,
            source: Box::new(source),
        }),
        _ => Ok(kept),
    }
}
