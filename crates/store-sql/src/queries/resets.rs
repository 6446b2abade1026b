//! Tokens by which people who have forgotten their passwords get new ones.

use diesel::prelude::*;
use runloom_domain::{OrgId, Timestamp, UserId};
use runloom_store::{Action, By, CreateReset, Idempotency, NewReset, Once, entries};

use super::accounts::NO_ORG;
use super::{Conn, RunQueryDsl, audit, dialect, keys, sessions};
use crate::failure::{Failure, Verdict};
use crate::rows::session::ResetRow;
use crate::schema::password_resets;
use crate::types::{At, Id};

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: &NewReset,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<CreateReset>>, Failure> {
    let keys_of = new.org_id.unwrap_or(NO_ORG);
    if let Some(answer) = keys::take(c, now, keys_of, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    if let Some(org) = new.org_id
        && let Err(refused) = belongs_to(c, new.user_id, org).await?
    {
        return Ok(Verdict::Undo(Once::Done(refused)));
    }
    let earlier = password_resets::table.filter(password_resets::user_id.eq(Id::from(new.user_id)));
    diesel::delete(earlier).execute(c).await?;
    diesel::insert_into(password_resets::table)
        .values(ResetRow::from(new))
        .execute(c)
        .await?;
    let issued = |org| entries::person(Action::PasswordResetIssued, org, new.user_id);
    match new.org_id {
        Some(org) => audit::record(c, by, issued(org)).await?,
        None => audit::record_of(c, by, new.user_id, issued).await?,
    }
    Ok(Verdict::Keep(Once::Done(CreateReset::Created)))
}

/// Whether nobody but this organisation decides of a person.
async fn belongs_to(
    c: &mut Conn,
    user: UserId,
    org: OrgId,
) -> Result<Result<(), CreateReset>, Failure> {
    Ok(match sessions::orgs_of(c, user).await?.as_slice() {
        orgs if !orgs.contains(&org) => Err(CreateReset::NotAMember),
        [_] => Ok(()),
        _ => Err(CreateReset::ElsewhereToo),
    })
}

/// Whose password a token that works is for.
pub(crate) async fn owner(
    c: &mut Conn,
    token_hash: [u8; 32],
    at: Timestamp,
) -> Result<Option<UserId>, Failure> {
    let found = find(c, token_hash, at).await?;
    Ok(found.map(|(user, _)| user.into()))
}

/// The person and the organisation of a token that works.
async fn find(
    c: &mut Conn,
    token_hash: [u8; 32],
    at: Timestamp,
) -> QueryResult<Option<(Id, Option<Id>)>> {
    password_resets::table
        .find(token_hash.as_slice())
        .filter(password_resets::expires_at.gt(At(at)))
        .select((password_resets::user_id, password_resets::org_id))
        .first(c)
        .await
        .optional()
}

pub(crate) async fn spend(
    c: &mut Conn,
    token_hash: [u8; 32],
    new_hash: &str,
    at: Timestamp,
    by: By,
) -> Result<Verdict<Option<UserId>>, Failure> {
    let Some((user, org)) = find(c, token_hash, at).await? else {
        return Ok(Verdict::Undo(None));
    };
    let deleted = diesel::delete(password_resets::table.find(token_hash.as_slice()))
        .execute(c)
        .await?;
    let user = UserId::from(user);
    // Of two who use it at once the second finds it gone.
    if deleted == 0 {
        return Ok(Verdict::Undo(None));
    }
    if let Some(org) = org
        && belongs_to(c, user, org.into()).await?.is_err()
    {
        return Ok(Verdict::Undo(None));
    }
    sessions::set_password(c, user, new_hash, at).await?;
    let reset = |org| entries::person(Action::PasswordReset, org, user);
    audit::record_of(c, by, user, reset).await?;
    Ok(Verdict::Keep(Some(user)))
}
