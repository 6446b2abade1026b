//! How the runs that haven't ended stand.

use runloom_store::Census;

use super::dialect::Now;
use super::verbs::RunQueryDsl;
use super::{Conn, done};
use crate::failure::Failure;
use crate::rows::census::{CensusRow, into_census};
use crate::types::Moment;

/// One step through the index of the runs that haven't ended, whatever number has. SQLite would
/// read the whole table if it were left to choose.
const CENSUS: &str = "
SELECT h.status, count(*) AS runs,
    count(*) FILTER (WHERE CASE WHEN h.owner_node IS NULL
        THEN h.wake_at IS NULL AND h.status IN ('running', 'cancelling')
        ELSE n.node_id IS NULL END) AS unleased,
    ?1 - min(h.wake_at) FILTER (WHERE h.owner_node IS NULL
        AND h.wake_at <= ?1 AND h.status <> 'queued') AS oldest_due
FROM run_heads h INDEXED BY run_heads_open
LEFT JOIN nodes n ON n.node_id = h.owner_node AND n.lease_until > ?1
WHERE h.status NOT IN ('completed', 'failed', 'cancelled')
GROUP BY h.status";

pub(super) fn take(c: &mut Conn, now: Now) -> Result<Census, Failure> {
    let query = diesel::sql_query(CENSUS).bind::<Moment, _>(now.moment());
    let rows: Vec<CensusRow> = done(query.load(c))?;
    Ok(into_census(&rows)?)
}
