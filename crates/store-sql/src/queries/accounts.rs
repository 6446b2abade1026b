//! People and their organisations.

use diesel::prelude::*;
use runloom_domain::{OrgId, UserId};
use runloom_store::{CreateAccount, Idempotency, LoginRecord, NewAccount, Once, UserRecord};
use uuid::Uuid;

use super::{Conn, RunQueryDsl, api_keys, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::rows::account::{MembershipRow, UserRow, into_user};
use crate::schema::{memberships, orgs, user_names, users};
use crate::text::storable;
use crate::types::{At, Id};

/// A name as it is compared.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// The idempotency keys of registrations belong to no organisation: each attempt would make one
/// of its own.
const NO_ORG: OrgId = OrgId::from_uuid(Uuid::nil());

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewAccount,
    once: Option<Idempotency>,
) -> Result<Verdict<Once<CreateAccount>>, Failure> {
    if let Some(answer) = keys::take(c, now, NO_ORG, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable([new.org_name.as_str(), &new.login, &new.email])?;
    if !take_names(c, &new).await? {
        return Ok(Verdict::Undo(Once::Done(CreateAccount::Taken)));
    }
    join(c, &new).await?;
    if let Some(key) = new.api_key {
        api_keys::insert(c, key).await?;
    }
    Ok(Verdict::Keep(Once::Done(CreateAccount::Created)))
}

/// Writes the person with their names; false when one of these is somebody else's.
async fn take_names(c: &mut Conn, new: &NewAccount) -> Result<bool, Failure> {
    let user = Id::from(new.user_id);
    diesel::insert_into(users::table)
        .values((
            users::user_id.eq(user),
            users::login.eq(&new.login),
            users::email.eq(&new.email),
            users::password_hash.eq(&new.password_hash),
            users::created_at.eq(At(new.created_at)),
        ))
        .execute(c)
        .await?;
    let mut names = vec![name_key(&new.login), name_key(&new.email)];
    // In one order for all, so that two registrations can't wait for each other.
    names.sort();
    names.dedup();
    for name in names {
        let taken = diesel::insert_into(user_names::table)
            .values((user_names::name_key.eq(name), user_names::user_id.eq(user)))
            .on_conflict_do_nothing()
            .execute(c)
            .await?
            == 0;
        if taken {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes the organisation unless it is there, and the person a member of it.
async fn join(c: &mut Conn, new: &NewAccount) -> Result<(), Failure> {
    let (user, org, at) = (
        Id::from(new.user_id),
        Id::from(new.org_id),
        At(new.created_at),
    );
    diesel::insert_into(orgs::table)
        .values((
            orgs::org_id.eq(org),
            orgs::name.eq(&new.org_name),
            orgs::created_at.eq(at),
        ))
        // A person may also join an organisation that is there.
        .on_conflict_do_nothing()
        .execute(c)
        .await?;
    diesel::insert_into(memberships::table)
        .values((
            memberships::org_id.eq(org),
            memberships::user_id.eq(user),
            memberships::role.eq(new.role.as_str()),
            memberships::created_at.eq(at),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// A person logs in to the organisation that they joined first.
pub(crate) async fn find_login(
    c: &mut Conn,
    login_or_email: &str,
) -> Result<Option<LoginRecord>, Failure> {
    let row: Option<(UserRow, MembershipRow, String)> = user_names::table
        .inner_join(users::table.on(users::user_id.eq(user_names::user_id)))
        .inner_join(memberships::table.on(memberships::user_id.eq(users::user_id)))
        .filter(user_names::name_key.eq(name_key(login_or_email)))
        .order((memberships::created_at, memberships::org_id))
        .select((
            UserRow::as_select(),
            MembershipRow::as_select(),
            users::password_hash,
        ))
        .first(c)
        .await
        .optional()?;
    let Some((user, member, password_hash)) = row else {
        return Ok(None);
    };
    Ok(Some(LoginRecord {
        user: into_user(user, &member)?,
        password_hash,
    }))
}

pub(crate) async fn user(
    c: &mut Conn,
    org: OrgId,
    user: UserId,
) -> Result<Option<UserRecord>, Failure> {
    let row: Option<(UserRow, MembershipRow)> = users::table
        .inner_join(memberships::table.on(memberships::user_id.eq(users::user_id)))
        .filter(memberships::org_id.eq(Id::from(org)))
        .filter(users::user_id.eq(Id::from(user)))
        .select((UserRow::as_select(), MembershipRow::as_select()))
        .first(c)
        .await
        .optional()?;
    Ok(row
        .map(|(user, member)| into_user(user, &member))
        .transpose()?)
}

pub(crate) async fn replace_password_hash(
    c: &mut Conn,
    user: UserId,
    old: &str,
    new: &str,
) -> Result<bool, Failure> {
    let replaced = diesel::update(
        users::table
            .find(Id::from(user))
            .filter(users::password_hash.eq(old)),
    )
    .set(users::password_hash.eq(new))
    .execute(c)
    .await?;
    Ok(replaced == 1)
}

/// Whether anybody has registered, which makes an organisation. People are not for everybody to
/// see.
pub(crate) async fn any(c: &mut Conn) -> Result<bool, Failure> {
    let found: Option<Id> = orgs::table.select(orgs::org_id).first(c).await.optional()?;
    Ok(found.is_some())
}
