//! Seals the audit log: each second the records that have been written since are chained by hash.
//!
//! Every node does this; where several share a database, the store lets one at a time.

use std::sync::Arc;
use std::time::Duration;

use runloom_store::StoreError;
use runloom_store_sql::Database;
use tokio_util::sync::CancellationToken;

use crate::spread::spread;

/// How often it is looked. That alone costs one short read.
const EVERY: Duration = Duration::from_secs(1);

/// Records that one step seals.
const RECORDS: u32 = 200;

/// The pause after a full step, in which others write.
const PAUSE: Duration = Duration::from_millis(20);

/// Seals until `drain` is cancelled. What is left then, another node seals, or the next start.
pub(crate) async fn seal(store: Arc<dyn Database>, drain: CancellationToken) {
    let rounds = async {
        let mut failing = false;
        loop {
            let sealed = round(&*store).await;
            // Once per outage, not once a second.
            if let Err(error) = &sealed
                && !failing
            {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "the audit log can't be sealed"
                );
            }
            failing = sealed.is_err();
            tokio::time::sleep(spread(EVERY)).await;
        }
    };
    drain.run_until_cancelled(rounds).await;
}

async fn round(store: &dyn Database) -> Result<(), StoreError> {
    while store.seal_audit(RECORDS).await? == RECORDS {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
