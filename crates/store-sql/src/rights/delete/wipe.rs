//! Taking the bytes of deleted rows from SQLite's file.
//!
//! It leaves them in pages that are free, or half free. Writing the file anew leaves nothing, and
//! neither does an empty log beside it. PostgreSQL writes over them in its time.

use super::super::RightsError;
use super::super::session::Session;

/// A number in the file's header that nothing else uses: whether rows were deleted since it was
/// last written anew.
const IS_OWED: &str = "PRAGMA user_version";
const OWE: &str = "PRAGMA user_version = 1";
const OWE_NOTHING: &str = "PRAGMA user_version = 0";

/// Says, in a transaction that deletes, that the file has to be written anew. So that is done also
/// when a deletion is cut off behind its last transaction, by whichever comes next.
pub(super) async fn owe(session: &mut Session) -> Result<(), RightsError> {
    if session.is_shared() {
        return Ok(());
    }
    session.run(OWE).await
}

/// Writes the file anew.
pub(super) async fn wipe(session: &mut Session) -> Result<(), RightsError> {
    if session.is_shared() {
        return Ok(());
    }
    // In memory it would take as much as the database has.
    let again = session.run("PRAGMA temp_store = FILE; VACUUM").await;
    again.map_err(|error| {
        RightsError::Unclean(format!(
            "it was not written anew, which takes room for one copy in the temporary folder and \
             for one beside it: {error}"
        ))
    })?;
    empty_log(session).await?;
    session.run(OWE_NOTHING).await
}

/// What is said of somebody or something that isn't there: they may have been deleted by a call
/// that was cut off before their bytes were gone.
pub(super) async fn of_nothing(session: &mut Session, unknown: RightsError) -> RightsError {
    if session.is_shared() {
        return unknown;
    }
    match session.number(IS_OWED, &[]).await {
        Ok(0) => unknown,
        Ok(_) => match wipe(session).await {
            Ok(()) => RightsError::Wiped(Box::new(unknown)),
            Err(error) => error,
        },
        Err(error) => error,
    }
}

async fn empty_log(session: &mut Session) -> Result<(), RightsError> {
    match session
        .number("PRAGMA wal_checkpoint(TRUNCATE)", &[])
        .await?
    {
        0 => Ok(()),
        _ => Err(RightsError::Unclean("somebody reads it".to_owned())),
    }
}
