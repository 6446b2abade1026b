//! Who shall belong to an organisation.

use diesel::prelude::*;
use runloom_domain::{InvitationId, OrgId, UserId};
use runloom_store::{
    By, Idempotency, InvitationRecord, Join, NewAccount, Once, Page, PageKey, Paged,
    PresentedInvitation, StoreError, entries,
};

use super::accounts::{NO_ORG, add_member, name_key, take_names};
use super::{Conn, RunQueryDsl, audit, dialect, keys, sessions};
use crate::failure::{Failure, Verdict};
use crate::rows::org::InvitationRow;
use crate::schema::{invitations, memberships, user_names, users};
use crate::text::storable;
use crate::types::{At, Id};

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: InvitationRecord,
    token_hash: [u8; 32],
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<bool>>, Failure> {
    let org = Id::from(new.org_id);
    if let Some(answer) = keys::take(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable([new.email.as_str()])?;
    let email_key = name_key(&new.email);
    // An e-mail address has an @, so no login is taken for one.
    let member: Option<Id> = user_names::table
        .inner_join(memberships::table.on(memberships::user_id.eq(user_names::user_id)))
        .filter(user_names::name_key.eq(&email_key))
        .filter(memberships::org_id.eq(org))
        .select(memberships::user_id)
        .first(c)
        .await
        .optional()?;
    if member.is_some() {
        return Ok(Verdict::Undo(Once::Done(false)));
    }
    let invited = entries::invited(&new);
    diesel::insert_into(invitations::table)
        .values(InvitationRow::new(
            new.clone(),
            email_key.clone(),
            token_hash,
        ))
        .on_conflict((invitations::org_id, invitations::email_key))
        .do_update()
        .set(InvitationRow::new(new, email_key, token_hash))
        .execute(c)
        .await?;
    audit::record(c, by, invited).await?;
    Ok(Verdict::Keep(Once::Done(true)))
}

/// An invitation that is good at the moment.
async fn good(
    c: &mut Conn,
    presented: PresentedInvitation,
) -> Result<Option<InvitationRow>, Failure> {
    Ok(invitations::table
        .filter(invitations::org_id.eq(Id::from(presented.org_id)))
        .filter(invitations::token_hash.eq(presented.token_hash.to_vec()))
        .filter(invitations::expires_at.gt(At(presented.at)))
        .select(InvitationRow::as_select())
        .first(c)
        .await
        .optional()?)
}

pub(crate) async fn find(
    c: &mut Conn,
    presented: PresentedInvitation,
) -> Result<Option<InvitationRecord>, Failure> {
    let row = good(c, presented).await?;
    Ok(row.map(InvitationRow::into_record).transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<InvitationRecord>, Failure> {
    use invitations::{created_at, invitation_id};
    let query = invitations::table
        .filter(invitations::org_id.eq(Id::from(org)))
        .select(InvitationRow::as_select());
    let rows: Vec<InvitationRow> = page!(query, page, created_at, invitation_id)
        .load(c)
        .await?;
    let rows = rows.into_iter().map(InvitationRow::into_record);
    let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(rows, page.limit, |row| PageKey {
        created_at: row.created_at,
        id: row.invitation_id.as_uuid(),
    }))
}

pub(crate) async fn withdraw(
    c: &mut Conn,
    org: OrgId,
    id: InvitationId,
    by: By,
) -> Result<bool, Failure> {
    let place = (Id::from(org), Id::from(id));
    let gone = diesel::delete(invitations::table.find(place))
        .execute(c)
        .await?;
    if gone == 1 {
        audit::record(c, by, entries::invitation_withdrawn(org, id)).await?;
    }
    Ok(gone == 1)
}

/// Uses up a good invitation for this e-mail address. Of two who come at once the later finds
/// nothing to delete.
async fn use_up(
    c: &mut Conn,
    presented: PresentedInvitation,
    email: &str,
) -> Result<Option<InvitationRecord>, Failure> {
    let found = good(c, presented).await?;
    let email_key = name_key(email);
    let Some(row) = found.filter(|row| row.email_key() == email_key) else {
        return Ok(None);
    };
    let record = row.into_record()?;
    let place = (Id::from(record.org_id), Id::from(record.invitation_id));
    // Another invitation may have taken its place meanwhile, under another token.
    let same = invitations::table
        .find(place)
        .filter(invitations::token_hash.eq(presented.token_hash.to_vec()));
    let gone = diesel::delete(same).execute(c).await?;
    Ok((gone == 1).then_some(record))
}

async fn has_names(c: &mut Conn, user: UserId) -> Result<bool, Failure> {
    let name: Option<String> = user_names::table
        .filter(user_names::user_id.eq(Id::from(user)))
        .select(user_names::name_key)
        .first(c)
        .await
        .optional()?;
    Ok(name.is_some())
}

pub(crate) async fn accept(
    c: &mut Conn,
    now: dialect::Now,
    presented: PresentedInvitation,
    user: UserId,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<Join>>, Failure> {
    if let Some(answer) = keys::take(c, now, presented.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    // Locked: somebody who is removed from their last organisation at this moment loses their
    // names, and must not join another one without.
    let account = users::table.find(Id::from(user)).select(users::email);
    let email: Option<String> = dialect::locked!(account).first(c).await.optional()?;
    let email = match email {
        Some(email) if has_names(c, user).await? => Some(email),
        _ => None,
    };
    let invitation = match email {
        Some(email) => use_up(c, presented, &email).await?,
        None => None,
    };
    let Some(invitation) = invitation else {
        return Ok(Verdict::Undo(Once::Done(Join::NoInvitation)));
    };
    let place = (Id::from(invitation.org_id), Id::from(user));
    let before: Option<String> = memberships::table
        .find(place)
        .select(memberships::role)
        .first(c)
        .await
        .optional()?;
    if before.is_some() {
        return Ok(Verdict::Undo(Once::Done(Join::Member)));
    }
    add_member(c, place, invitation.role, At(presented.at)).await?;
    audit::record(c, by, entries::joined(&invitation, user)).await?;
    Ok(Verdict::Keep(Once::Done(Join::Joined)))
}

pub(crate) async fn register(
    c: &mut Conn,
    now: dialect::Now,
    new: NewAccount,
    presented: PresentedInvitation,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<Join>>, Failure> {
    if let Some(answer) = keys::take(c, now, NO_ORG, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable([new.login.as_str(), &new.email])?;
    let Some(invitation) = use_up(c, presented, &new.email).await? else {
        return Ok(Verdict::Undo(Once::Done(Join::NoInvitation)));
    };
    if !take_names(c, &new).await? {
        return Ok(Verdict::Undo(Once::Done(Join::Taken)));
    }
    let place = (Id::from(invitation.org_id), Id::from(new.user_id));
    add_member(c, place, invitation.role, At(new.created_at)).await?;
    if let Some(session) = &new.session {
        sessions::insert(c, new.user_id, invitation.org_id, session).await?;
    }
    let registered = entries::registered(&new, invitation.org_id, invitation.role);
    audit::record(c, by, registered).await?;
    Ok(Verdict::Keep(Once::Done(Join::Joined)))
}
