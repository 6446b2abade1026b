//! Deleting for good.

mod org;
mod person;
mod user;

pub use self::org::delete_org;
pub use self::user::delete_user;

use runloom_domain::{OrgId, UserId};

use super::RightsError;
use super::session::Session;

/// What was deleted, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Organisations that go as a whole.
    pub orgs: Vec<OrgId>,
    /// People and service accounts that go.
    pub users: Vec<UserId>,
    /// Each table with rows that go, and how many.
    pub rows: Vec<(&'static str, u64)>,
}

impl Deleted {
    fn add(&mut self, table: &'static str, rows: u64) {
        match self.rows.iter_mut().find(|(known, _)| *known == table) {
            Some((_, count)) => *count += rows,
            None if rows > 0 => self.rows.push((table, rows)),
            None => {}
        }
    }
}

/// SQLite leaves what was deleted in pages that are free, or half free. Writing the file anew
/// leaves nothing, and neither does an empty log beside it. PostgreSQL writes over it in its time.
async fn wipe(session: &mut Session) -> Result<(), RightsError> {
    if session.is_shared() {
        return Ok(());
    }
    let unclean = |why: &str| {
        RightsError::Refused(format!(
            "all rows are deleted, but their bytes may still be in the file: {why}"
        ))
    };
    // In memory it would take as much as the database has.
    let again = session.run("PRAGMA temp_store = FILE; VACUUM").await;
    again.map_err(|error| {
        unclean(&format!(
            "it was not written anew, for which it needs as much free space as it has: {error}"
        ))
    })?;
    match session
        .number("PRAGMA wal_checkpoint(TRUNCATE)", &[])
        .await?
    {
        0 => Ok(()),
        _ => Err(unclean("somebody reads it")),
    }
}
