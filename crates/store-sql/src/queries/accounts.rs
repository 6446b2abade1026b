//! People and their organisations.

use diesel::dsl::exists;
use diesel::prelude::*;
use runloom_domain::{OrgId, OrgRole, UserId};
use runloom_store::{
    By, CreateAccount, Idempotency, LoginRecord, NewAccount, Once, Rename, Renamed, UserRecord,
    entries,
};
use uuid::Uuid;

use super::{Conn, RunQueryDsl, api_keys, audit, dialect, keys, sessions};
use crate::failure::{Failure, Verdict};
use crate::rows::account::{MembershipRow, UserRow, into_user};
use crate::rows::session::LoginRow;
use crate::schema::{memberships, orgs, user_names, users};
use crate::text::storable;
use crate::types::{At, Id};

/// A name as it is compared.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// The idempotency keys of registrations belong to no organisation: each attempt would make one
/// of its own.
pub(super) const NO_ORG: OrgId = OrgId::from_uuid(Uuid::nil());

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewAccount,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<CreateAccount>>, Failure> {
    if let Some(answer) = keys::take(c, now, NO_ORG, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable([new.org_name.as_str(), &new.login, &new.email])?;
    if !take_names(c, &new).await? {
        return Ok(Verdict::Undo(Once::Done(CreateAccount::Taken)));
    }
    join(c, &new).await?;
    let registered = entries::registered(&new, new.org_id, new.role);
    audit::record(c, by, registered).await?;
    if let Some(key) = new.api_key {
        api_keys::insert(c, key).await?;
    }
    if let Some(session) = &new.session {
        sessions::insert(c, new.user_id, new.org_id, session).await?;
    }
    Ok(Verdict::Keep(Once::Done(CreateAccount::Created)))
}

/// Writes the person with their names; false when one of these is somebody else's.
pub(super) async fn take_names(c: &mut Conn, new: &NewAccount) -> Result<bool, Failure> {
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
    add_names(c, user, [&new.login, &new.email]).await
}

/// Adds names of a person; false when one of them is somebody else's.
async fn add_names(c: &mut Conn, user: Id, names: [&str; 2]) -> Result<bool, Failure> {
    let mut names = names.map(name_key).to_vec();
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

pub(crate) async fn rename(
    c: &mut Conn,
    rename: &Rename,
    by: By,
) -> Result<Verdict<Renamed>, Failure> {
    let user = Id::from(rename.user_id);
    let names = [rename.login.as_deref(), rename.email.as_deref()];
    storable(names.into_iter().flatten())?;
    let person = users::table
        .find(user)
        .filter(users::password_hash.eq(&rename.password_hash))
        .select((users::login, users::email));
    let found: Option<(String, String)> = dialect::locked!(person).first(c).await.optional()?;
    let Some((login, email)) = found else {
        return Ok(Verdict::Undo(Renamed::Outdated));
    };
    let login = rename.login.as_ref().unwrap_or(&login);
    let email = rename.email.as_ref().unwrap_or(&email);
    diesel::delete(user_names::table.filter(user_names::user_id.eq(user)))
        .execute(c)
        .await?;
    if !add_names(c, user, [login, email]).await? {
        return Ok(Verdict::Undo(Renamed::Taken));
    }
    diesel::update(users::table.find(user))
        .set((users::login.eq(login), users::email.eq(email)))
        .execute(c)
        .await?;
    audit::record_of(c, by, rename.user_id, |org| entries::renamed(org, rename)).await?;
    Ok(Verdict::Keep(Renamed::Done))
}

/// Makes the organisation unless it is there, and the person a member of it.
async fn join(c: &mut Conn, new: &NewAccount) -> Result<(), Failure> {
    let (org, at) = (Id::from(new.org_id), At(new.created_at));
    make_org(c, org, &new.org_name, at).await?;
    add_member(c, (org, new.user_id.into()), new.role, at).await
}

/// Makes an organisation unless it is there: a person may also join one that is.
pub(super) async fn make_org(c: &mut Conn, org: Id, name: &str, at: At) -> Result<(), Failure> {
    // SQLite refuses even to try where there is an audit log.
    let there = orgs::table.filter(orgs::org_id.eq(org));
    if diesel::select(exists(there)).get_result(c).await? {
        return Ok(());
    }
    diesel::insert_into(orgs::table)
        .values((
            orgs::org_id.eq(org),
            orgs::name.eq(name),
            orgs::created_at.eq(at),
        ))
        .on_conflict_do_nothing()
        .execute(c)
        .await?;
    Ok(())
}

/// Makes somebody a member of an organisation.
pub(super) async fn add_member(
    c: &mut Conn,
    (org, user): (Id, Id),
    role: OrgRole,
    at: At,
) -> Result<(), Failure> {
    diesel::insert_into(memberships::table)
        .values((
            memberships::org_id.eq(org),
            memberships::user_id.eq(user),
            memberships::role.eq(role.as_str()),
            memberships::created_at.eq(at),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// A person's row with the organisation that they joined first.
macro_rules! logins {
    () => {
        users::table
            .left_join(memberships::table.on(memberships::user_id.eq(users::user_id)))
            .order((memberships::created_at, memberships::org_id))
            .select((LoginRow::as_select(), memberships::org_id.nullable()))
    };
}

pub(crate) async fn find_login(
    c: &mut Conn,
    login_or_email: &str,
) -> Result<Option<LoginRecord>, Failure> {
    let named = user_names::table
        .filter(user_names::name_key.eq(name_key(login_or_email)))
        .select(user_names::user_id);
    let row: Option<(LoginRow, Option<Id>)> = logins!()
        .filter(users::user_id.eq_any(named))
        .first(c)
        .await
        .optional()?;
    Ok(row.map(|(user, org)| user.into_record(org)))
}

pub(crate) async fn login_of(c: &mut Conn, user: UserId) -> Result<Option<LoginRecord>, Failure> {
    let row: Option<(LoginRow, Option<Id>)> = logins!()
        .filter(users::user_id.eq(Id::from(user)))
        .first(c)
        .await
        .optional()?;
    Ok(row.map(|(user, org)| user.into_record(org)))
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
