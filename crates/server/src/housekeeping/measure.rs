//! What organisations keep, for those that may not keep more than so much.
//!
//! Every node measures by itself: the sums are the same, whoever writes them last.

use runloom_domain::OrgId;
use runloom_store::{Measuring, QuotaStore, StoreError};

use super::PAUSE;

/// Runs or threads that one step measures.
const PARTS: u32 = 100;

/// Measures all organisations, or those with a limit of their own.
pub(super) async fn measure(
    store: &(impl QuotaStore + ?Sized),
    all: bool,
) -> Result<(), StoreError> {
    let mut last = None;
    while let Some(org) = store.next_measured(last, all).await? {
        measure_one(store, org).await?;
        last = Some(org);
    }
    Ok(())
}

async fn measure_one(store: &(impl QuotaStore + ?Sized), org: OrgId) -> Result<(), StoreError> {
    let (mut bytes, mut from) = (0_u64, Some(Measuring::START));
    while let Some(part) = from {
        let measured = store.measure(org, part, PARTS).await?;
        bytes = bytes.saturating_add(measured.bytes);
        from = measured.next;
        tokio::time::sleep(PAUSE).await;
    }
    store.set_stored_bytes(org, bytes).await
}
