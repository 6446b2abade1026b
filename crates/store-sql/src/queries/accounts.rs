//! People and their organisations.

use diesel::prelude::*;
use runloom_domain::{OrgId, UserId};
use runloom_store::{CreateAccount, LoginRecord, NewAccount, UserRecord};

use super::{Conn, RunQueryDsl};
use crate::failure::{Failure, Verdict};
use crate::rows::account::{MembershipRow, UserRow, into_user};
use crate::schema::{memberships, orgs, user_names, users};
use crate::text::storable;
use crate::types::{At, Id};

/// A name as it is compared.
fn name_key(name: &str) -> String {
    name.to_lowercase()
}

pub(crate) async fn create(
    c: &mut Conn,
    new: NewAccount,
) -> Result<Verdict<CreateAccount>, Failure> {
    storable([new.org_name.as_str(), &new.login, &new.email])?;
    let (user, org, at) = (
        Id::from(new.user_id),
        Id::from(new.org_id),
        At(new.created_at),
    );
    diesel::insert_into(users::table)
        .values((
            users::user_id.eq(user),
            users::login.eq(&new.login),
            users::email.eq(&new.email),
            users::password_hash.eq(&new.password_hash),
            users::created_at.eq(at),
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
            return Ok(Verdict::Undo(CreateAccount::Taken));
        }
    }
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
    Ok(Verdict::Keep(CreateAccount::Created))
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

pub(crate) async fn any(c: &mut Conn) -> Result<bool, Failure> {
    let found: Option<Id> = users::table
        .select(users::user_id)
        .first(c)
        .await
        .optional()?;
    Ok(found.is_some())
}
