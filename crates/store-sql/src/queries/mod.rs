//! Statements that both databases run alike, written once.
//!
//! This folder is compiled twice, as a module of `sqlite` and of `postgres`: `super` is the
//! database. It brings the connection, the verbs (`load`, `execute`, …, which are ready at once
//! on SQLite), the clock's expressions and the statements that differ.
//!
//! No function here begins or ends a transaction; those that write say what has to become of
//! theirs by a [`Verdict`](crate::failure::Verdict) or an error.

pub(super) mod accounts;
pub(super) mod api_keys;
pub(super) mod budgets;
pub(super) mod config;
pub(super) mod create;
pub(super) mod credentials;
pub(super) mod credits;
pub(super) mod data_keys;
pub(super) mod events;
pub(super) mod housekeeping;
pub(super) mod http_tools;
pub(super) mod intend;
pub(super) mod keys;
pub(super) mod mcp_servers;
pub(super) mod mcp_tools;
pub(super) mod messages;
pub(super) mod personas;
pub(super) mod project;
pub(super) mod remaining;
pub(super) mod reserve;
pub(super) mod routes;
pub(super) mod runs;
pub(super) mod settle;
pub(super) mod threads;
pub(super) mod tools;
pub(super) mod usage;

use super::{Conn, RunQueryDsl, dialect};
