//! What an organisation's runs have used.

pub(crate) mod get;
