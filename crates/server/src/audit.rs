//! Seals the audit log: each second the records that have been written since are chained by hash.
//!
//! Every node does this; where several share a database, the store lets one at a time.

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
        let mut failing = false;
        loop {
            // Told once per outage, not once a second.
            failing = !round(&*store, failing).await;
            tokio::time::sleep(spread(EVERY)).await;
        }
    };
    drain.run_until_cancelled(rounds).await;
}

/// Seals what the last requests have left, once nobody writes any more. What is left even then,
/// another node seals, or the next start.
pub(crate) async fn seal_rest(store: &dyn Database) {
    if tokio::time::timeout(LAST, round(store, false))
        .await
        .is_err()
    {
        tracing::warn!("some of the audit log waits for its seal until the next start");
    }
}

/// Seals what waits, and says whether that went well. What can't be sealed in one organisation
/// holds up no other.
async fn round(store: &dyn Database, quietly: bool) -> bool {
    let mut well = true;
    let mut failed = |org: Option<OrgId>, error: StoreError| {
        if well && !quietly {
            let org = org.map(tracing::field::display);
            let error = &error as &dyn std::error::Error;
            tracing::warn!(org, error, "the audit log can't be sealed");
        }
        well = false;
    };
    let mut after = None;
    loop {
        let orgs = match store.unsealed_orgs(after, AT_ONCE).await {
            Ok(orgs) => orgs,
            Err(error) => {
                failed(None, error);
                break;
            }
        };
        for org in &orgs {
            if let Err(error) = seal_org(store, *org).await {
                failed(Some(*org), error);
            }
        }
        after = orgs.last().copied();
        if after.is_none() {
            break;
        }
    }
    well
}

async fn seal_org(store: &dyn Database, org: OrgId) -> Result<(), StoreError> {
    while store.seal_audit(org, AT_ONCE).await? == AT_ONCE {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
