//! Conditions whose text must be that of a partial index, without bound values: otherwise
//! neither database can see that the index serves the query.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Bool;

macro_rules! predicates {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, QueryId, ValidGrouping)]
        pub(crate) struct $name;

        impl Expression for $name {
            type SqlType = Bool;
        }

        impl<From> AppearsOnTable<From> for $name {}
        impl<From> SelectableExpression<From> for $name {}

        impl<DB: Backend> QueryFragment<DB> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }
    )+};
}

predicates! {
    /// The run occupies its thread.
    IsLive = "run_heads.status IN ('running', 'waiting_for_input', 'cancelling')";
    /// The run has not ended.
    IsOpen = "run_heads.status NOT IN ('completed', 'failed', 'cancelled')";
    /// The event is needed to rebuild a run.
    IsNoDelta = "events.type NOT IN ('message.delta', 'reasoning.delta')";
}
