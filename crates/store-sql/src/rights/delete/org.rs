//! An organisation.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{Clock, OrgId, UserId};
use tokio::time::sleep;

use super::super::session::{self, Argument, Session};
use super::super::walk::{Walked, org_tables, table_of};
use super::super::{Place, RightsError, RightsProgress, runs};
use super::{Deleted, people, wipe};
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

/// Deletes an organisation with all its rows, and the people and service accounts who are in no
/// other; or only counts them, unless `for_good`. Counting changes nothing, also not the schema,
/// and goes on beside whoever uses the database.
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
    if !for_good {
        return look(place, org).await;
    }
    let mut session = Session::changing(place, clock).await?;
    if !is_known(&mut session, org).await? {
        return Err(wipe::of_nothing(&mut session, RightsError::NoOrg(org)).await);
    }
    let mut deleted = Deleted::default();
    whole(&mut session, org, &mut deleted, progress).await?;
    wipe::wipe(&mut session).await?;
    session.close().await?;
    Ok(deleted)
}

async fn look(place: &Place, org: OrgId) -> Result<Deleted, RightsError> {
    let mut session = Session::reading(place).await?;
    session.begin_reading().await?;
    if !is_known(&mut session, org).await? {
        return Err(RightsError::NoOrg(org));
    }
    let would = count(&mut session, &[org], None).await?;
    session.close().await?;
    Ok(would)
}

/// Whether there is anything of it. On PostgreSQL a request that was let in before may have written
/// a row after the organisation's own was gone. What belongs to none is nobody's to delete.
async fn is_known(session: &mut Session, org: OrgId) -> Result<bool, RightsError> {
    Ok(!org.as_uuid().is_nil() && table_of(session, org).await?.is_some())
}

/// Counts what goes with organisations, and with somebody beside them.
pub(super) async fn count(
    session: &mut Session,
    orgs: &[OrgId],
    user: Option<UserId>,
) -> Result<Deleted, RightsError> {
    let mut deleted = Deleted::default();
    let ids = [session::ids(orgs.iter().map(|org| org.as_uuid()))];
    let of_them = session.ids_of(1);
    for table in org_tables(session).await? {
        let name = table.name;
        let sql = format!("SELECT count(*) FROM \"{name}\" WHERE org_id IN ({of_them})");
        deleted.add(name, session.number(&sql, &ids).await?);
    }
    deleted.orgs.extend(orgs);
    deleted.users.extend(alone(session, orgs).await?);
    deleted.users.extend(user);
    let users: Vec<UserId> = deleted.users.iter().copied().collect();
    people::count(session, &users, orgs, &mut deleted).await?;
    Ok(deleted)
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
    let end_runs = runs::end();
    session.begin().await?;
    wipe::owe(session).await?;
    for table in WAYS_IN {
        let sql = format!("DELETE FROM {table} WHERE org_id = $1");
        deleted.add(table, session.execute(&sql, &org_id).await?);
    }
    session.execute(DEMOTE, &org_id).await?;
    session.run("COMMIT").await?;
    session.execute(&end_runs, &org_id).await?;
    if session.is_shared() {
        sleep(FORGOTTEN).await;
    }
    for _ in 0..ROUNDS {
        session.execute(&end_runs, &org_id).await?;
        let at_once = |table: &&Walked| !table.cascades && !LAST.contains(&table.name);
        for table in tables.iter().filter(at_once) {
            empty(session, table, &org_id, deleted, progress).await?;
        }
        if finish(session, org, &tables, deleted).await? {
            deleted.orgs.insert(org);
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
    let users = alone(session, &[org]).await?;
    // People who had signed in again.
    for table in ["sessions", "password_resets", "memberships"] {
        let sql = format!("DELETE FROM {table} WHERE org_id = $1");
        last.add(table, session.execute(&sql, &org_id).await?);
    }
    people::delete(session, &users, &mut last).await?;
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

/// Members who are in no organisation but these.
async fn alone(session: &mut Session, orgs: &[OrgId]) -> Result<Vec<UserId>, RightsError> {
    let these = session.ids_of(1);
    let sql = format!(
        "SELECT DISTINCT m.user_id FROM memberships m WHERE m.org_id IN ({these}) AND NOT EXISTS
            (SELECT 1 FROM memberships o WHERE o.user_id = m.user_id AND o.org_id NOT IN ({these}))"
    );
    let ids = [session::ids(orgs.iter().map(|org| org.as_uuid()))];
    let rows = session.rows(&sql, &ids, &[Kind::Id]).await?;
    let ids = rows.iter().flatten().filter_map(Image::as_id);
    Ok(ids.map(UserId::from_uuid).collect())
}
