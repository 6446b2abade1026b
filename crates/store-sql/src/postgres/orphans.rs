//! Runs that go on though their parents have ended.

use diesel::sql_types::BigInt;
use runloom_store::Orphan;

use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::rows::orphan::OrphanRow;

/// One step through the index of live children, and for each a look at its parent by key: as a
/// join it might become a walk through all runs.
const ORPHANS: &str = "
SELECT h.org_id, h.run_id FROM run_heads h
WHERE h.parent_run_id IS NOT NULL AND h.status NOT IN ('completed', 'failed', 'cancelled')
  AND h.status <> 'cancelling'
  AND (SELECT p.status IN ('completed', 'failed', 'cancelled') FROM run_heads p
    WHERE p.org_id = h.org_id AND p.run_id = h.parent_run_id)
LIMIT $1";

pub(super) async fn find(c: &mut Conn, limit: u32) -> Result<Vec<Orphan>, Failure> {
    let rows: Vec<OrphanRow> = diesel::sql_query(ORPHANS)
        .bind::<BigInt, _>(i64::from(limit))
        .load(c)
        .await?;
    Ok(rows.into_iter().map(Orphan::from).collect())
}
