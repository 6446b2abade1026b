use diesel::QueryableByName;
use runloom_store::Orphan;

use crate::types::{Id, Uid};

/// A run whose parent has ended.
#[derive(Debug, QueryableByName)]
pub(crate) struct OrphanRow {
    #[diesel(sql_type = Uid)]
    org_id: Id,
    #[diesel(sql_type = Uid)]
    run_id: Id,
}

impl From<OrphanRow> for Orphan {
    fn from(row: OrphanRow) -> Self {
        Self {
            org_id: row.org_id.into(),
            run_id: row.run_id.into(),
        }
    }
}
