//! Deleting for good.

mod org;
mod people;
mod user;
mod wipe;

pub use self::org::delete_org;
pub use self::user::delete_user;

use std::collections::{BTreeMap, BTreeSet};

use runloom_domain::{OrgId, UserId};

/// What was deleted, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Organisations that go as a whole.
    pub orgs: BTreeSet<OrgId>,
    /// People and service accounts that go.
    pub users: BTreeSet<UserId>,
    /// Each table with rows that go, and how many.
    pub rows: BTreeMap<&'static str, u64>,
}

impl Deleted {
    fn add(&mut self, table: &'static str, rows: u64) {
        if rows > 0 {
            *self.rows.entry(table).or_default() += rows;
        }
    }
}
