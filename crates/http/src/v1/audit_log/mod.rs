//! Who has done what to the organisation.

pub(crate) mod list;
