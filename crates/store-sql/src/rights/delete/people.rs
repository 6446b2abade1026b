//! The rows that are people's.

use runloom_domain::{OrgId, UserId};
use uuid::Uuid;

use super::super::RightsError;
use super::super::session::{self, Argument, Session};
use super::super::walk::{org_tables, user_tables};
use super::Deleted;
use crate::copy::image::{Image, Kind};

/// Rows of a table that go with people.
struct Theirs {
    table: &'static str,
    condition: String,
    arguments: Vec<Argument>,
}

/// Counts the rows of people, without those of organisations that are counted already.
pub(super) async fn count(
    session: &mut Session,
    people: &[UserId],
    counted: &[OrgId],
    deleted: &mut Deleted,
) -> Result<(), RightsError> {
    let of_orgs = org_tables(session).await?;
    for theirs in all(session, people).await? {
        let (table, condition) = (theirs.table, theirs.condition);
        let mut sql = format!("SELECT count(*) FROM \"{table}\" WHERE {condition}");
        let mut arguments = theirs.arguments;
        if of_orgs.iter().any(|known| known.name == table) {
            arguments.push(session::ids(counted.iter().map(|org| org.as_uuid())));
            let counted = session.ids_of(arguments.len());
            sql = format!("{sql} AND (org_id IS NULL OR org_id NOT IN ({counted}))");
        }
        deleted.add(table, session.number(&sql, &arguments).await?);
    }
    Ok(())
}

/// Deletes them.
pub(super) async fn delete(
    session: &mut Session,
    people: &[UserId],
    deleted: &mut Deleted,
) -> Result<(), RightsError> {
    for theirs in all(session, people).await? {
        let (table, condition) = (theirs.table, theirs.condition);
        let sql = format!("DELETE FROM \"{table}\" WHERE {condition}");
        deleted.add(table, session.execute(&sql, &theirs.arguments).await?);
    }
    Ok(())
}

/// What goes with people, children before what they refer to. Some rows name people though they
/// are nobody's.
async fn all(session: &mut Session, people: &[UserId]) -> Result<Vec<Theirs>, RightsError> {
    let ids = session::ids(people.iter().map(|user| user.as_uuid()));
    let names = names(session, &ids).await?;
    // Kept for a day, the answer to a registration says who has registered. It belongs to no
    // organisation, which is the one with the id of zeros.
    let principals = names.iter().map(|name| format!("login:{name}")).collect();
    let (user, name, principal) = (session.ids_of(1), session.texts_of(2), session.texts_of(2));
    let mut all = vec![
        Theirs {
            table: "invitations",
            condition: format!("(invited_by IN ({user}) OR email_key IN ({name}))"),
            arguments: vec![ids.clone(), session::texts(names)],
        },
        Theirs {
            table: "idempotency_keys",
            condition: format!("org_id = $1 AND principal IN ({principal})"),
            arguments: vec![session::id(Uuid::nil()), session::texts(principals)],
        },
    ];
    for table in user_tables(session).await? {
        all.push(Theirs {
            table: table.name,
            condition: format!("user_id IN ({user})"),
            arguments: vec![ids.clone()],
        });
    }
    Ok(all)
}

/// What they log in with.
async fn names(session: &mut Session, ids: &Argument) -> Result<Vec<String>, RightsError> {
    let users = session.ids_of(1);
    let sql = format!("SELECT name_key FROM user_names WHERE user_id IN ({users})");
    let asked = std::slice::from_ref(ids);
    let rows = session.rows(&sql, asked, &[Kind::Text]).await?;
    let texts = rows.iter().flatten().filter_map(Image::as_text);
    Ok(texts.map(str::to_owned).collect())
}
