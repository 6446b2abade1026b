//! The rows that are a person's.

use runloom_domain::{OrgId, UserId};
use uuid::Uuid;

use super::super::RightsError;
use super::super::session::{self, Session};
use super::super::walk::{org_tables, user_tables};
use super::Deleted;
use crate::copy::image::{Image, Kind};

const NAMES: &str = "SELECT name_key FROM user_names WHERE user_id = $1";

/// Rows that name a person though they are nobody's: table and condition on a text `$1`.
const BY_NAME: [(&str, &str); 2] = [
    ("invitations", "email_key = $1"),
    // Kept for a day, the answer to a registration says who has registered.
    (
        "idempotency_keys",
        "principal = 'login:' || $1 AND org_id = $2",
    ),
];

/// Counts a person's rows, without those of organisations that are counted already.
pub(super) async fn count(
    session: &mut Session,
    user: UserId,
    counted: &[OrgId],
    deleted: &mut Deleted,
) -> Result<(), RightsError> {
    let of_orgs = org_tables(session).await?;
    for table in user_tables(session).await? {
        let name = table.name;
        let mut sql = format!("SELECT count(*) FROM \"{name}\" WHERE user_id = $1");
        let mut arguments = vec![session::id(user.as_uuid())];
        if of_orgs.iter().any(|known| known.name == name) {
            for org in counted {
                arguments.push(session::id(org.as_uuid()));
                let place = arguments.len();
                sql = format!("{sql} AND (org_id IS NULL OR org_id <> ${place})");
            }
        }
        deleted.add(name, session.number(&sql, &arguments).await?);
    }
    for name in names(session, user).await? {
        for (table, condition) in BY_NAME {
            let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
            let arguments = by_name(condition, &name);
            deleted.add(table, session.number(&sql, &arguments).await?);
        }
    }
    Ok(())
}

/// Deletes them.
pub(super) async fn delete(
    session: &mut Session,
    user: UserId,
    deleted: &mut Deleted,
) -> Result<(), RightsError> {
    for name in names(session, user).await? {
        for (table, condition) in BY_NAME {
            let sql = format!("DELETE FROM {table} WHERE {condition}");
            let arguments = by_name(condition, &name);
            deleted.add(table, session.execute(&sql, &arguments).await?);
        }
    }
    let user = [session::id(user.as_uuid())];
    for table in user_tables(session).await? {
        let sql = format!("DELETE FROM \"{}\" WHERE user_id = $1", table.name);
        deleted.add(table.name, session.execute(&sql, &user).await?);
    }
    Ok(())
}

async fn names(session: &mut Session, user: UserId) -> Result<Vec<String>, RightsError> {
    let user = [session::id(user.as_uuid())];
    let rows = session.rows(NAMES, &user, &[Kind::Text]).await?;
    let texts = rows.iter().flatten().filter_map(Image::as_text);
    Ok(texts.map(str::to_owned).collect())
}

/// Registrations belong to no organisation, which is the one with the id of zeros.
fn by_name(condition: &str, name: &str) -> Vec<session::Argument> {
    let none = condition.contains("$2").then(|| session::id(Uuid::nil()));
    std::iter::once(session::text(name)).chain(none).collect()
}
