//! Seals the audit log: each second the records that have been written since are chained by hash.
//!
//! Every node does this; where several share a database, the store lets one at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use runloom_domain::OrgId;
use runloom_store::StoreError;
use runloom_store_sql::Database;
use tokio_util::sync::CancellationToken;

use crate::spread::spread;

/// How often it is looked. That alone costs one short read.
const EVERY: Duration = Duration::from_secs(1);

/// Organisations that are looked up, and records that one step seals.
const AT_ONCE: u32 = 200;

/// The pause after a full step, in which others write.
const PAUSE: Duration = Duration::from_millis(20);

/// How long the last round may take when the server stops.
const LAST: Duration = Duration::from_secs(2);

/// Seals until `drain` is cancelled.
pub(crate) async fn seal(store: Arc<dyn Database>, drain: CancellationToken) {
    let rounds = async {
        let mut sealer = Sealer::new(&*store);
        loop {
            sealer.round().await;
            tokio::time::sleep(spread(EVERY)).await;
        }
    };
    drain.run_until_cancelled(rounds).await;
}

/// Seals what the last requests have left, once nobody writes here any more: again while another
/// node seals. What is left even then, that one seals, or the next start.
pub(crate) async fn seal_rest(store: &dyn Database) {
    let rest = async {
        let mut sealer = Sealer::new(store);
        while !matches!(store.unsealed_orgs(None, 1).await, Ok(orgs) if orgs.is_empty()) {
            sealer.round().await;
            tokio::time::sleep(PAUSE).await;
        }
    };
    if tokio::time::timeout(LAST, rest).await.is_err() {
        tracing::warn!("some of the audit log may wait for its seal until the next start");
    }
}

struct Sealer<'a> {
    store: &'a dyn Database,
    /// Where it hasn't worked in the last round: told once per outage, not once a second. None
    /// stands for all organisations.
    failing: HashSet<Option<OrgId>>,
}

impl<'a> Sealer<'a> {
    fn new(store: &'a dyn Database) -> Self {
        Self {
            store,
            failing: HashSet::new(),
        }
    }

    /// Seals what waits. What can't be sealed in one organisation holds up no other.
    async fn round(&mut self) {
        let mut after = None;
        loop {
            let Some(orgs) = self.note(None, self.store.unsealed_orgs(after, AT_ONCE).await) else {
                return;
            };
            for org in &orgs {
                let sealed = seal_org(self.store, *org).await;
                let is_outage = sealed.as_ref().is_err_and(StoreError::is_transient);
                self.note(Some(*org), sealed);
                if is_outage {
                    return;
                }
            }
            after = orgs.last().copied();
            if after.is_none() {
                return;
            }
        }
    }

    fn note<T>(&mut self, org: Option<OrgId>, outcome: Result<T, StoreError>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.failing.remove(&org);
                Some(value)
            }
            Err(error) => {
                if self.failing.insert(org) {
                    let org = org.map(tracing::field::display);
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(org, error, "the audit log can't be sealed");
                }
                None
            }
        }
    }
}

async fn seal_org(store: &dyn Database, org: OrgId) -> Result<(), StoreError> {
    while store.seal_audit(org, AT_ONCE).await? == AT_ONCE {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
