//! A person or a service account.

use std::sync::Arc;

use runloom_domain::{Clock, OrgId, UserId};

use super::super::session::{self, Session};
use super::super::{Place, RightsError, RightsProgress, recorded};
use super::{Deleted, org, people, wipe};
use crate::copy::image::{Image, Kind};
use crate::sqlite::name_key;

const BY_NAME: &str = "SELECT user_id FROM user_names WHERE name_key = $1";
const BY_ID: &str = "SELECT user_id FROM users WHERE user_id = $1";

/// Each organisation of somebody: whether they own it, how many people are in it beside them, and
/// how many of those own it.
const ORGS: &str = "SELECT m.org_id, m.role, o.name,
    (SELECT count(*) FROM memberships p JOIN users u ON u.user_id = p.user_id
        WHERE p.org_id = m.org_id AND p.user_id <> m.user_id AND u.kind = 'person'),
    (SELECT count(*) FROM memberships p JOIN users u ON u.user_id = p.user_id
        WHERE p.org_id = m.org_id AND p.user_id <> m.user_id AND u.kind = 'person'
            AND p.role = 'owner'),
    (SELECT u.kind FROM users u WHERE u.user_id = m.user_id)
    FROM memberships m JOIN orgs o ON o.org_id = m.org_id
    WHERE m.user_id = $1 ORDER BY m.org_id";

/// Deletes somebody, called by login, e-mail address or id, with the organisations in which no
/// other person is; or only counts, unless `for_good`. What they have made in other organisations
/// stays there, by an id that no longer names anybody.
///
/// Fails with [`RightsError::Refused`], and deletes nothing, when they are the only owner of an
/// organisation of others. Otherwise as [`delete_org`](super::delete_org).
pub async fn delete_user(
    place: &Place,
    who: &str,
    for_good: bool,
    clock: Arc<dyn Clock>,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<Deleted, RightsError> {
    if !for_good {
        return look(place, who).await;
    }
    let mut session = Session::changing(place, clock.clone()).await?;
    let user = match find(&mut session, who).await {
        Err(unknown @ RightsError::NoUser(_)) => {
            return Err(wipe::of_nothing(&mut session, unknown).await);
        }
        found => found?,
    };
    let mut deleted = Deleted::default();
    for org in orgs_alone(&mut session, user, who).await? {
        org::whole(&mut session, org, &mut deleted, progress).await?;
    }
    session.begin().await?;
    // Between the look and now somebody may have made them the only owner.
    if !orgs_alone(&mut session, user, who).await?.is_empty() {
        session.run("ROLLBACK").await?;
        let changed = format!("the organisations of {who} have changed meanwhile; ask again");
        return Err(RightsError::Refused(changed));
    }
    wipe::owe(&mut session).await?;
    recorded::removed(&mut session, user, clock.now()).await?;
    people::delete(&mut session, &[user], &mut deleted).await?;
    session.run("COMMIT").await?;
    deleted.users.insert(user);
    wipe::wipe(&mut session).await?;
    session.close().await?;
    Ok(deleted)
}

async fn look(place: &Place, who: &str) -> Result<Deleted, RightsError> {
    let mut session = Session::reading(place).await?;
    session.begin_reading().await?;
    let user = find(&mut session, who).await?;
    let alone = orgs_alone(&mut session, user, who).await?;
    let would = org::count(&mut session, &alone, Some(user)).await?;
    session.close().await?;
    Ok(would)
}

async fn find(session: &mut Session, who: &str) -> Result<UserId, RightsError> {
    let (sql, called) = if let Ok(user) = who.parse::<UserId>() {
        (BY_ID, session::id(user.as_uuid()))
    } else {
        (BY_NAME, session::text(name_key(who)))
    };
    let found = session.rows(sql, &[called], &[Kind::Id]).await?;
    let user = found.iter().flatten().find_map(Image::as_id);
    let user = user.ok_or_else(|| RightsError::NoUser(who.to_owned()))?;
    Ok(UserId::from_uuid(user))
}

/// The organisations that have no person but this one. Those of others need an owner beside them.
async fn orgs_alone(
    session: &mut Session,
    user: UserId,
    who: &str,
) -> Result<Vec<OrgId>, RightsError> {
    let kinds = [
        Kind::Id,
        Kind::Text,
        Kind::Text,
        Kind::BigInt,
        Kind::BigInt,
        Kind::Text,
    ];
    let rows = session
        .rows(ORGS, &[session::id(user.as_uuid())], &kinds)
        .await?;
    let mut alone = Vec::new();
    for row in &rows {
        let [org, role, name, others, owners, kind] = row.as_slice() else {
            continue;
        };
        let Some(org) = org.as_id().map(OrgId::from_uuid) else {
            continue;
        };
        // A service account takes nothing with it.
        if kind.as_text() != Some("person") {
            continue;
        }
        if others.as_number() == Some(0) {
            alone.push(org);
        } else if role.as_text() == Some("owner") && owners.as_number() == Some(0) {
            let name = name.as_text().unwrap_or_default();
            return Err(RightsError::Refused(format!(
                "{who} is the only owner of {name} ({org}), in which others are, too; make one \
                 of them an owner, or delete the organisation"
            )));
        }
    }
    Ok(alone)
}
