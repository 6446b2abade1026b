//! Statements that both databases run alike, written once.
//!
//! This folder is compiled twice, as a module of `sqlite` and of `postgres`: `super` is the
//! database. It brings the connection, the verbs (`load`, `execute`, …, which are ready at once
//! on SQLite), the clock's expressions and the statements that differ.
//!
//! No function here begins or ends a transaction; those that write say what has to become of
//! theirs by a [`Verdict`](crate::failure::Verdict) or an error.

/// The rows of a page, newest first, and one more if there are more: `$at` and `$id` are the
/// columns of its key. A macro, since the types of such a query have no names.
macro_rules! page {
    ($query:expr, $page:expr, $at:expr, $id:expr) => {{
        let mut query = $query.into_boxed();
        if let Some(key) = $page.before {
            let (at, id) = (At(key.created_at), Id(key.id));
            query = query.filter($at.le(at)).filter($at.lt(at).or($id.lt(id)));
        }
        query
            .order(($at.desc(), $id.desc()))
            .limit(i64::from($page.limit) + 1)
    }};
}

pub(super) mod accounts;
pub(super) mod api_keys;
pub(super) mod audit;
pub(super) mod budgets;
pub(super) mod children;
pub(super) mod config;
pub(super) mod create;
pub(super) mod credentials;
pub(super) mod credits;
pub(super) mod data_keys;
pub(super) mod discoveries;
pub(super) mod events;
pub(super) mod housekeeping;
pub(super) mod http_tools;
pub(super) mod intend;
pub(super) mod invitations;
pub(super) mod key_rotation;
pub(super) mod keys;
pub(super) mod live_runs;
pub(super) mod mcp_servers;
pub(super) mod mcp_tools;
pub(super) mod members;
pub(super) mod messages;
pub(super) mod orgs;
pub(super) mod personas;
pub(super) mod project;
pub(super) mod quotas;
pub(super) mod remaining;
pub(super) mod reserve;
pub(super) mod resets;
pub(super) mod routes;
pub(super) mod runs;
pub(super) mod sessions;
pub(super) mod settle;
pub(super) mod threads;
pub(super) mod tools;
pub(super) mod usage;

use super::{Conn, RunQueryDsl, dialect};
