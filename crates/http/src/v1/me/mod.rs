//! The caller.

pub(crate) mod get;
pub(crate) mod password;
pub(crate) mod sessions;
pub(crate) mod update;
