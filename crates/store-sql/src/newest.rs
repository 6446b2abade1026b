//! The newest runs of some statuses, as a condition on the runs that are listed.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType};
use runloom_domain::RunStatus;

use crate::fragment::fragment;
use crate::types::{Id, Uid};

/// The run is one of the newest `limit` of an organisation that have one of the statuses and no
/// parent.
///
/// Each status is a walk of its own through the index that has its runs in order: neither
/// database finds the first of several statuses without reading and sorting all of them. The
/// limit is part of the text, since plans for any limit are made for a tenth of the table.
#[derive(Clone, Debug, ValidGrouping)]
pub(crate) struct IsAmongNewest {
    pub(crate) org: Id,
    pub(crate) statuses: Vec<RunStatus>,
    /// Only runs with a smaller id, which begins with the time of its creation.
    pub(crate) before: Option<Id>,
    pub(crate) limit: u32,
}

impl QueryId for IsAmongNewest {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for IsAmongNewest {
    type SqlType = Bool;
}

impl<From> AppearsOnTable<From> for IsAmongNewest {}
impl<From> SelectableExpression<From> for IsAmongNewest {}

impl<DB> QueryFragment<DB> for IsAmongNewest
where
    DB: Backend + HasSqlType<Uid>,
    Id: ToSql<Uid, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // One text for each limit and choice of statuses is too many to keep.
        out.unsafe_to_cache_prepared();
        let limit = format!(" ORDER BY run_id DESC LIMIT {}) AS one", self.limit);
        out.push_sql("runs.run_id IN (SELECT run_id FROM (");
        for (number, status) in self.statuses.iter().enumerate() {
            if number > 0 {
                out.push_sql(" UNION ALL ");
            }
            fragment!(out;
                "SELECT run_id FROM (SELECT run_id FROM run_heads WHERE org_id = " [Uid: &self.org]
                " AND status = '"
            );
            out.push_sql(status.as_str());
            out.push_sql("' AND parent_run_id IS NULL");
            if let Some(before) = &self.before {
                fragment!(out; " AND run_id < " [Uid: before]);
            }
            out.push_sql(&limit);
        }
        out.push_sql(") AS newest ORDER BY run_id DESC LIMIT ");
        out.push_sql(&self.limit.to_string());
        out.push_sql(")");
        Ok(())
    }
}
