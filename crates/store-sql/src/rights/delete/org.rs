//! An organisation.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{Clock, OrgId, UserId};
use tokio::time::sleep;

use super::super::session::{self, Argument, Session};
use super::super::walk::{Walked, org_tables, table_of};
use super::super::{Place, RightsError, RightsProgress};
use super::{Deleted, person, wipe};
use crate::copy::image::{Image, Kind};

/// How long nodes may still take somebody for who they were.
const FORGOTTEN: Duration = Duration::from_secs(3);

/// How often rows are looked for that a node has written all the same.
const ROUNDS: usize = 10;

/// These go last: by them a deletion that was cut off is found again, and its people.
const LAST: [&str; 2] = ["memberships", "orgs"];

/// What was given out to get in by.
const WAYS_IN: [&str; 3] = ["api_keys", "invitations", "sessions"];

/// Who signs in again can only look.
const DEMOTE: &str = "UPDATE memberships SET role = 'viewer' WHERE org_id = $1";

/// Whoever works on a run finds it to be somebody else's, and can't write to it.
const END_RUNS: &str = "UPDATE run_heads
    SET status = 'cancelled', epoch = epoch + 1, owner_node = NULL, wake_at = NULL
    WHERE org_id = $1 AND status NOT IN ('completed', 'failed', 'cancelled')";

/// Members who are in no other organisation.
const ALONE: &str = "SELECT m.user_id FROM memberships m WHERE m.org_id = $1 AND NOT EXISTS
    (SELECT 1 FROM memberships o WHERE o.user_id = m.user_id AND o.org_id <> m.org_id)
    ORDER BY m.user_id";

/// Deletes an organisation with all its rows, and the people and service accounts who are in no
/// other; or only counts them, unless `for_good`.
///
/// First whoever is in is shut out and runs are ended, then rows go a thousand at a time, and the
/// organisation's own row goes last: a deletion that was cut off goes on when it is asked for
/// again. On PostgreSQL servers may use the database meanwhile, on SQLite nobody; SQLite's file is
/// written anew at the end, so that the bytes go, too. `progress` is called after each thousand
/// rows.
///
/// Call this on a multi-thread runtime. Dropping the future is as cutting it off.
pub async fn delete_org(
    place: &Place,
    org: OrgId,
    for_good: bool,
    clock: Arc<dyn Clock>,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<Deleted, RightsError> {
    let mut session = Session::writing(place, clock).await?;
    // On PostgreSQL a request that was let in before may have written a row after the organisation's
    // own was gone. What belongs to none is nobody's to delete.
    if org.as_uuid().is_nil() || table_of(&mut session, org).await?.is_none() {
        // A deletion that was cut off at its very end has left the bytes.
        if for_good {
            wipe(&mut session).await?;
        }
        return Err(RightsError::NoOrg(org));
    }
    let mut deleted = Deleted::default();
    if for_good {
        whole(&mut session, org, &mut deleted, progress).await?;
        wipe(&mut session).await?;
    } else {
        count(&mut session, org, &mut deleted).await?;
    }
    session.close().await?;
    Ok(deleted)
}

/// Counts what would go.
pub(super) async fn count(
    session: &mut Session,
    org: OrgId,
    deleted: &mut Deleted,
) -> Result<(), RightsError> {
    let org_id = [session::id(org.as_uuid())];
    for table in org_tables(session).await? {
        let sql = format!("SELECT count(*) FROM \"{}\" WHERE org_id = $1", table.name);
        deleted.add(table.name, session.number(&sql, &org_id).await?);
    }
    for user in alone(session, &org_id).await? {
        person::count(session, user, &[org], deleted).await?;
        deleted.users.push(user);
    }
    deleted.orgs.push(org);
    Ok(())
}

/// Deletes all of it.
pub(super) async fn whole(
    session: &mut Session,
    org: OrgId,
    deleted: &mut Deleted,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<(), RightsError> {
    let org_id = [session::id(org.as_uuid())];
    let tables = org_tables(session).await?;
    session.begin().await?;
    for table in WAYS_IN {
        let sql = format!("DELETE FROM {table} WHERE org_id = $1");
        deleted.add(table, session.execute(&sql, &org_id).await?);
    }
    session.execute(DEMOTE, &org_id).await?;
    session.run("COMMIT").await?;
    session.execute(END_RUNS, &org_id).await?;
    if session.is_shared() {
        sleep(FORGOTTEN).await;
    }
    for _ in 0..ROUNDS {
        session.execute(END_RUNS, &org_id).await?;
        let at_once = |table: &&Walked| !table.cascades && !LAST.contains(&table.name);
        for table in tables.iter().filter(at_once) {
            empty(session, table, &org_id, deleted, progress).await?;
        }
        if finish(session, org, &tables, deleted).await? {
            deleted.orgs.push(org);
            return Ok(());
        }
    }
    Err(RightsError::Refused(format!(
        "somebody goes on writing to the organisation {org}; ask again"
    )))
}

async fn empty(
    session: &mut Session,
    table: &Walked,
    org_id: &[Argument],
    deleted: &mut Deleted,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<(), RightsError> {
    let sql = table.delete_some("org_id");
    let mut so_far = RightsProgress {
        what: table.name,
        rows: 0,
        done: false,
    };
    loop {
        let rows = session.execute(&sql, org_id).await?;
        if rows == 0 {
            break;
        }
        deleted.add(table.name, rows);
        so_far.rows += rows;
        progress(so_far);
    }
    if so_far.rows > 0 {
        so_far.done = true;
        progress(so_far);
    }
    Ok(())
}

/// Deletes the members and the organisation itself in one transaction; false, and nothing, when
/// there are rows of it again.
async fn finish(
    session: &mut Session,
    org: OrgId,
    tables: &[Walked],
    deleted: &mut Deleted,
) -> Result<bool, RightsError> {
    let org_id = [session::id(org.as_uuid())];
    let mut last = Deleted::default();
    session.begin().await?;
    let users = alone(session, &org_id).await?;
    // People who had signed in again.
    for table in ["sessions", "password_resets", "memberships"] {
        let sql = format!("DELETE FROM {table} WHERE org_id = $1");
        last.add(table, session.execute(&sql, &org_id).await?);
    }
    for user in &users {
        person::delete(session, *user, &mut last).await?;
    }
    for table in tables.iter().filter(|table| table.name != "orgs") {
        let sql = format!("SELECT count(*) FROM \"{}\" WHERE org_id = $1", table.name);
        let rows = session.number(&sql, &org_id).await?;
        if table.cascades {
            last.add(table.name, rows);
        } else if rows > 0 {
            session.run("ROLLBACK").await?;
            return Ok(false);
        }
    }
    let own = "DELETE FROM orgs WHERE org_id = $1";
    last.add("orgs", session.execute(own, &org_id).await?);
    session.run("COMMIT").await?;
    for (table, rows) in last.rows {
        deleted.add(table, rows);
    }
    deleted.users.extend(users);
    Ok(true)
}

async fn alone(session: &mut Session, org_id: &[Argument]) -> Result<Vec<UserId>, RightsError> {
    let rows = session.rows(ALONE, org_id, &[Kind::Id]).await?;
    let ids = rows.iter().flatten().filter_map(Image::as_id);
    Ok(ids.map(UserId::from_uuid).collect())
}
