//! Who belongs to an organisation.

use diesel::prelude::*;
use runloom_domain::{OrgId, OrgRole, UserId, UserKind};
use runloom_store::{
    By, ChangeMember, Idempotency, MemberPatch, MemberRecord, NewService, Once, Page, PageKey,
    Paged, StoreError, entries,
};

use super::accounts::add_member;
use super::{Conn, RunQueryDsl, audit, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::rows::org::{AccountRow, RoleRow, into_member, role};
use crate::schema::{api_keys, invitations, memberships, user_names, users};
use crate::text::storable;
use crate::types::{At, Id};

/// Members with their accounts.
macro_rules! members {
    () => {
        memberships::table
            .inner_join(users::table.on(users::user_id.eq(memberships::user_id)))
            .select((AccountRow::as_select(), RoleRow::as_select()))
    };
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    user: UserId,
) -> Result<Option<MemberRecord>, Failure> {
    let row: Option<(AccountRow, RoleRow)> = members!()
        .filter(memberships::org_id.eq(Id::from(org)))
        .filter(memberships::user_id.eq(Id::from(user)))
        .first(c)
        .await
        .optional()?;
    Ok(row.map(into_member).transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    kind: Option<UserKind>,
    page: Page,
) -> Result<Paged<MemberRecord>, Failure> {
    use memberships::{created_at, user_id};
    let query = members!().filter(memberships::org_id.eq(Id::from(org)));
    let mut query = page!(query, page, created_at, user_id);
    if let Some(kind) = kind {
        query = query.filter(users::kind.eq(kind.as_str()));
    }
    let rows: Vec<(AccountRow, RoleRow)> = query.load(c).await?;
    let rows = rows.into_iter().map(into_member);
    let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(rows, page.limit, |member| PageKey {
        created_at: member.created_at,
        id: member.user_id.as_uuid(),
    }))
}

pub(crate) async fn create_service(
    c: &mut Conn,
    now: dialect::Now,
    new: NewService,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<()>>, Failure> {
    if let Some(answer) = keys::take(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable([new.name.as_str()])?;
    let (user, at) = (Id::from(new.user_id), At(new.created_at));
    diesel::insert_into(users::table)
        .values((
            users::user_id.eq(user),
            users::login.eq(&new.name),
            users::email.eq(""),
            users::password_hash.eq(""),
            users::created_at.eq(at),
            users::kind.eq(UserKind::Service.as_str()),
        ))
        .execute(c)
        .await?;
    add_member(c, (new.org_id.into(), user), new.role, at).await?;
    audit::record(c, by, entries::service_created(&new)).await?;
    Ok(Verdict::Keep(Once::Done(())))
}

/// A member that is about to be changed, and the owners beside it.
struct Held {
    role: OrgRole,
    is_last_owner: bool,
}

/// Locks the organisation's owners and the member, in one order for all: of two owners who
/// remove each other at the same moment the later finds the earlier's work done.
async fn hold(c: &mut Conn, org: Id, user: Id) -> Result<Option<Held>, Failure> {
    let query = memberships::table
        .filter(memberships::org_id.eq(org))
        .filter(
            memberships::role
                .eq(OrgRole::Owner.as_str())
                .or(memberships::user_id.eq(user)),
        )
        .order(memberships::user_id)
        .select((memberships::user_id, memberships::role));
    let rows: Vec<(Id, String)> = dialect::locked_to_delete!(query).load(c).await?;
    let Some((_, text)) = rows.iter().find(|(id, _)| *id == user) else {
        return Ok(None);
    };
    let role = role("memberships", user, text)?;
    let is_last_owner = role == OrgRole::Owner && is_last_person(c, &rows, user).await?;
    Ok(Some(Held {
        role,
        is_last_owner,
    }))
}

/// Whether `user` is the only person among the owners.
async fn is_last_person(c: &mut Conn, owners: &[(Id, String)], user: Id) -> Result<bool, Failure> {
    let ids: Vec<Id> = owners.iter().map(|(id, _)| *id).collect();
    let people: Vec<Id> = users::table
        .filter(users::user_id.eq_any(ids))
        .filter(users::kind.eq(UserKind::Person.as_str()))
        .select(users::user_id)
        .load(c)
        .await?;
    Ok(people == [user])
}

pub(crate) async fn change(
    c: &mut Conn,
    (org, user): (OrgId, UserId),
    patch: MemberPatch,
    rank: OrgRole,
    by: By,
) -> Result<Verdict<ChangeMember<MemberRecord>>, Failure> {
    storable(patch.name.as_deref())?;
    let place = (Id::from(org), Id::from(user));
    let Some(held) = hold(c, place.0, place.1).await? else {
        return Ok(Verdict::Undo(ChangeMember::Absent));
    };
    if held.role.is_above(rank) {
        return Ok(Verdict::Undo(ChangeMember::Above));
    }
    if let Some(wanted) = patch.role {
        if wanted != OrgRole::Owner && held.is_last_owner {
            return Ok(Verdict::Undo(ChangeMember::LastOwner));
        }
        diesel::update(memberships::table.find(place))
            .set(memberships::role.eq(wanted.as_str()))
            .execute(c)
            .await?;
        if held.role.is_above(wanted) {
            withdraw_invitations_of(c, place).await?;
        }
    }
    if let Some(name) = patch.name {
        let service = users::table
            .find(place.1)
            .filter(users::kind.eq(UserKind::Service.as_str()));
        diesel::update(service)
            .set(users::login.eq(name))
            .execute(c)
            .await?;
    }
    let Some(member) = get(c, org, user).await? else {
        return Ok(Verdict::Undo(ChangeMember::Absent));
    };
    audit::record(c, by, entries::member_changed(org, &member, held.role)).await?;
    Ok(Verdict::Keep(ChangeMember::Done(member)))
}

pub(crate) async fn remove(
    c: &mut Conn,
    org: OrgId,
    user: UserId,
    rank: OrgRole,
    by: By,
) -> Result<Verdict<ChangeMember<()>>, Failure> {
    let place = (Id::from(org), Id::from(user));
    let Some(held) = hold(c, place.0, place.1).await? else {
        return Ok(Verdict::Undo(ChangeMember::Absent));
    };
    if held.role.is_above(rank) {
        return Ok(Verdict::Undo(ChangeMember::Above));
    }
    if held.is_last_owner {
        return Ok(Verdict::Undo(ChangeMember::LastOwner));
    }
    withdraw_invitations_of(c, place).await?;
    let keys = api_keys::table
        .filter(api_keys::org_id.eq(place.0))
        .filter(api_keys::user_id.eq(place.1));
    diesel::delete(keys).execute(c).await?;
    diesel::delete(memberships::table.find(place))
        .execute(c)
        .await?;
    close_if_nowhere(c, place.1).await?;
    audit::record(c, by, entries::member_removed(org, user, held.role)).await?;
    Ok(Verdict::Keep(ChangeMember::Done(())))
}

/// Gives up the names of somebody who belongs to no organisation any more. Whoever joins one at
/// the same moment locks the account too.
async fn close_if_nowhere(c: &mut Conn, user: Id) -> Result<(), Failure> {
    let account = users::table.find(user).select(users::user_id);
    let _: Option<Id> = dialect::locked!(account).first(c).await.optional()?;
    let left: Option<Id> = memberships::table
        .filter(memberships::user_id.eq(user))
        .select(memberships::org_id)
        .first(c)
        .await
        .optional()?;
    if left.is_none() {
        let names = user_names::table.filter(user_names::user_id.eq(user));
        diesel::delete(names).execute(c).await?;
    }
    Ok(())
}

/// Whoever may not invite any more, or not to the same role, has invited nobody.
async fn withdraw_invitations_of(c: &mut Conn, (org, user): (Id, Id)) -> Result<(), Failure> {
    let theirs = invitations::table
        .filter(invitations::org_id.eq(org))
        .filter(invitations::invited_by.eq(user));
    diesel::delete(theirs).execute(c).await?;
    Ok(())
}
