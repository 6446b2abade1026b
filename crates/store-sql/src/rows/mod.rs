//! Rows as they are read and written, and their way from and to domain values.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod census;
pub(crate) mod credential;
pub(crate) mod data_key;
pub(crate) mod event;
pub(crate) mod http_tool;
pub(crate) mod mcp_server;
pub(crate) mod mcp_tool;
pub(crate) mod message;
pub(crate) mod money;
pub(crate) mod org;
pub(crate) mod orphan;
pub(crate) mod persona;
pub(crate) mod route;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod thread;

use runloom_store::StoreError;

use crate::failure::corrupt;

/// A count for a column; what doesn't fit is not a count that anything reaches.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count from a column.
pub(crate) fn unsigned<T: TryFrom<i64>>(
    table: &'static str,
    column: &'static str,
    key: impl std::fmt::Debug,
    value: i64,
) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| corrupt(table, column, key, format!("{value} is out of range")))
}
