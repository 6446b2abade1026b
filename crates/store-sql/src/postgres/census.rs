//! How the runs that haven't ended stand, by the database's clock.

use runloom_store::Census;

use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::rows::census::{CensusRow, into_census};

/// One step through the index of the runs that haven't ended, whatever number has.
const CENSUS: &str = "
SELECT h.status, count(*) AS runs,
    count(*) FILTER (WHERE CASE WHEN h.owner_node IS NULL
        THEN h.wake_at IS NULL AND h.status IN ('running', 'cancelling')
        ELSE n.node_id IS NULL END) AS unleased,
    (extract(epoch FROM now() - min(h.wake_at) FILTER (WHERE h.owner_node IS NULL
        AND h.wake_at <= now() AND h.status <> 'queued')) * 1000000)::bigint AS oldest_due
FROM run_heads h LEFT JOIN nodes n ON n.node_id = h.owner_node AND n.lease_until > now()
WHERE h.status NOT IN ('completed', 'failed', 'cancelled')
GROUP BY h.status";

pub(super) async fn take(c: &mut Conn) -> Result<Census, Failure> {
    let rows: Vec<CensusRow> = diesel::sql_query(CENSUS).load(c).await?;
    Ok(into_census(&rows)?)
}
