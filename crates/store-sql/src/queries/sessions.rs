//! Sessions of people, and what ends them.

use diesel::prelude::*;
use runloom_domain::{OrgId, SessionId, Timestamp, UserId};
use runloom_store::{
    Action, BeginSession, By, ChangePassword, Deleted, NewSession, NoOrg, OngoingSession, Page,
    PageKey, Paged, RefreshSession, Refreshed, SessionEnd, SessionRecord, SignIn, SignedInUser,
    entries,
};

use super::{Conn, RunQueryDsl, audit, dialect};
use crate::failure::{Failure, Verdict};
use crate::rows::account::{MembershipRow, UserRow, into_user};
use crate::rows::session::{NewSessionRow, RefreshRow, SessionRow};
use crate::schema::{memberships, password_resets, sessions, users};
use crate::types::{At, Id};

pub(super) async fn insert(
    c: &mut Conn,
    user: UserId,
    org: OrgId,
    new: &NewSession,
) -> Result<(), Failure> {
    diesel::insert_into(sessions::table)
        .values(NewSessionRow::new(user, org, new))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn begin(
    c: &mut Conn,
    sign_in: &SignIn,
    by: By,
) -> Result<Verdict<BeginSession>, Failure> {
    let user = sign_in.user_id;
    // Whoever changes the password waits for this session, and ends it.
    let person = users::table
        .find(Id::from(user))
        .select(users::signed_out_at);
    let found: Option<Option<At>> = dialect::locked!(person).first(c).await.optional()?;
    if found.is_none_or(|at| at.map(|at| at.0) != sign_in.signed_out_at) {
        return Ok(Verdict::Undo(BeginSession::Outdated));
    }
    let newest = newest_org(c, user).await?;
    match choose_org(c, user, sign_in.org_id, newest).await? {
        Ok(org) => {
            insert(c, user, org, &sign_in.session).await?;
            let (action, id) = (Action::SessionBegun, sign_in.session.session_id);
            audit::record(c, by, entries::session(action, org, user, id)).await?;
            Ok(Verdict::Keep(BeginSession::Begun(org)))
        }
        Err(none) => Ok(Verdict::Undo(BeginSession::NoOrg(none))),
    }
}

/// The organisation of a person's newest session of those that they are still in.
async fn newest_org(c: &mut Conn, user: UserId) -> Result<Option<OrgId>, Failure> {
    let newest: Option<Id> = sessions::table
        .inner_join(
            memberships::table.on(memberships::org_id
                .eq(sessions::org_id)
                .and(memberships::user_id.eq(sessions::user_id))),
        )
        .filter(sessions::user_id.eq(Id::from(user)))
        .order((sessions::created_at.desc(), sessions::session_id.desc()))
        .select(sessions::org_id)
        .first(c)
        .await
        .optional()?;
    Ok(newest.map(OrgId::from))
}

/// The organisations that a person is in, in the order of joining.
pub(crate) async fn orgs_of(c: &mut Conn, user: UserId) -> Result<Vec<OrgId>, Failure> {
    let orgs: Vec<Id> = memberships::table
        .filter(memberships::user_id.eq(Id::from(user)))
        .order((memberships::created_at, memberships::org_id))
        .select(memberships::org_id)
        .load(c)
        .await?;
    Ok(orgs.into_iter().map(OrgId::from).collect())
}

/// The organisation of a session: the one that is wanted, else the one of before.
async fn choose_org(
    c: &mut Conn,
    user: UserId,
    wanted: Option<OrgId>,
    before: Option<OrgId>,
) -> Result<Result<OrgId, NoOrg>, Failure> {
    let orgs = orgs_of(c, user).await?;
    Ok(match wanted {
        Some(wanted) if orgs.contains(&wanted) => Ok(wanted),
        Some(_) => Err(NoOrg::NotAMember),
        None => {
            let before = before.filter(|org| orgs.contains(org));
            before.or(orgs.into_iter().next()).ok_or(NoOrg::None)
        }
    })
}

pub(crate) async fn refresh(
    c: &mut Conn,
    refresh: &RefreshSession,
    by: By,
) -> Result<Verdict<Refreshed>, Failure> {
    let found = sessions::table
        .find(Id::from(refresh.session_id))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(refresh.at)))
        .select(RefreshRow::as_select());
    let found: Option<RefreshRow> = dialect::locked!(found).first(c).await.optional()?;
    let Some(session) = found else {
        return Ok(Verdict::Undo(Refreshed::Unknown));
    };
    let user = UserId::from(session.user_id);
    let is_current = session.is_current(refresh);
    if !is_current && !session.is_repeat(refresh) {
        let (id, why) = (refresh.session_id, SessionEnd::Reused);
        end(c, user, id, why, refresh.at, by).await?;
        return Ok(Verdict::Keep(Refreshed::Reused(user)));
    }
    let before = OrgId::from(session.org_id);
    let org = match choose_org(c, user, refresh.org_id, Some(before)).await? {
        Ok(org) => org,
        Err(none) => return Ok(Verdict::Undo(Refreshed::NoOrg(none))),
    };
    let ongoing = if is_current {
        replace_token(c, refresh, org).await?;
        OngoingSession {
            user_id: user,
            org_id: org,
            token_hash: refresh.successor,
            expires_at: refresh.expires_at,
        }
    } else {
        diesel::update(sessions::table.find(Id::from(refresh.session_id)))
            .set(sessions::org_id.eq(Id::from(org)))
            .execute(c)
            .await?;
        session.ongoing(org)?
    };
    if org != before {
        let (action, id) = (Action::SessionMoved, refresh.session_id);
        audit::record(c, by, entries::session(action, org, user, id)).await?;
    }
    Ok(Verdict::Keep(Refreshed::Ongoing(ongoing)))
}

async fn replace_token(c: &mut Conn, refresh: &RefreshSession, org: OrgId) -> QueryResult<()> {
    diesel::update(sessions::table.find(Id::from(refresh.session_id)))
        .set((
            sessions::org_id.eq(Id::from(org)),
            sessions::token_hash.eq(refresh.successor.as_slice()),
            sessions::previous_hash.eq(Some(refresh.presented.as_slice())),
            sessions::replaced_at.eq(Some(At(refresh.at))),
            sessions::last_used_at.eq(At(refresh.at)),
            sessions::expires_at.eq(At(refresh.expires_at)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn signed_in_user(
    c: &mut Conn,
    org: OrgId,
    user: UserId,
    session: Option<SessionId>,
) -> Result<Option<SignedInUser>, Failure> {
    let person = users::table
        .inner_join(memberships::table.on(memberships::user_id.eq(users::user_id)))
        .filter(memberships::org_id.eq(Id::from(org)))
        .filter(users::user_id.eq(Id::from(user)))
        .select((
            UserRow::as_select(),
            MembershipRow::as_select(),
            users::signed_out_at,
        ));
    let row: Option<(UserRow, MembershipRow, Option<At>)> = match session {
        None => person.first(c).await.optional()?,
        Some(session) => {
            let ongoing = sessions::table
                .filter(sessions::session_id.eq(Id::from(session)))
                .filter(sessions::user_id.eq(Id::from(user)))
                .filter(sessions::ended_at.is_null());
            let person = person.filter(diesel::dsl::exists(ongoing));
            person.first(c).await.optional()?
        }
    };
    let Some((user, member, signed_out_at)) = row else {
        return Ok(None);
    };
    Ok(Some(SignedInUser {
        user: into_user(user, &member)?,
        signed_out_at: signed_out_at.map(|at| at.0),
    }))
}

pub(crate) async fn owner(c: &mut Conn, session: SessionId) -> Result<Option<UserId>, Failure> {
    let user: Option<Id> = sessions::table
        .find(Id::from(session))
        .filter(sessions::ended_at.is_null())
        .select(sessions::user_id)
        .first(c)
        .await
        .optional()?;
    Ok(user.map(UserId::from))
}

pub(crate) async fn list(
    c: &mut Conn,
    user: UserId,
    at: Timestamp,
    page: Page,
) -> Result<Paged<SessionRecord>, Failure> {
    use sessions::{created_at, session_id};
    let ongoing = sessions::table
        .filter(sessions::user_id.eq(Id::from(user)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(at)))
        .select(SessionRow::as_select());
    let rows: Vec<SessionRow> = page!(ongoing, page, created_at, session_id).load(c).await?;
    let records = rows.into_iter().map(SessionRecord::from).collect();
    Ok(Paged::from_surplus(
        records,
        page.limit,
        |session: &SessionRecord| PageKey {
            created_at: session.created_at,
            id: session.session_id.as_uuid(),
        },
    ))
}

pub(crate) async fn end(
    c: &mut Conn,
    user: UserId,
    session: SessionId,
    why: SessionEnd,
    at: Timestamp,
    by: By,
) -> Result<bool, Failure> {
    let ongoing = sessions::table
        .filter(sessions::session_id.eq(Id::from(session)))
        .filter(sessions::user_id.eq(Id::from(user)))
        .filter(sessions::ended_at.is_null());
    let ended = diesel::update(ongoing)
        .set(ending(why, at))
        .execute(c)
        .await?;
    if ended == 1 {
        record_end(c, (user, session), why, by).await?;
    }
    Ok(ended == 1)
}

/// Where the session was, if its person is still in that organisation.
async fn record_end(
    c: &mut Conn,
    (user, session): (UserId, SessionId),
    why: SessionEnd,
    by: By,
) -> Result<(), Failure> {
    let org: Option<Id> = sessions::table
        .inner_join(
            memberships::table.on(memberships::org_id
                .eq(sessions::org_id)
                .and(memberships::user_id.eq(sessions::user_id))),
        )
        .filter(sessions::session_id.eq(Id::from(session)))
        .select(sessions::org_id)
        .first(c)
        .await
        .optional()?;
    if let Some(org) = org {
        let ended = entries::session_ended(org.into(), user, session, why);
        audit::record(c, by, ended).await?;
    }
    Ok(())
}

/// What ending a session sets.
type Ending = (
    diesel::dsl::Eq<sessions::ended_at, Option<At>>,
    diesel::dsl::Eq<sessions::end_reason, Option<&'static str>>,
);

fn ending(why: SessionEnd, at: Timestamp) -> Ending {
    (
        sessions::ended_at.eq(Some(At(at))),
        sessions::end_reason.eq(Some(why.as_str())),
    )
}

pub(crate) async fn end_all(
    c: &mut Conn,
    user: UserId,
    at: Timestamp,
    by: By,
) -> Result<Verdict<()>, Failure> {
    diesel::update(users::table.find(Id::from(user)))
        .set(users::signed_out_at.eq(Some(At(at))))
        .execute(c)
        .await?;
    end_but(c, user, None, SessionEnd::Revoked, at).await?;
    let ended = |org| entries::person(Action::SessionsEnded, org, user);
    audit::record_of(c, by, user, ended).await?;
    Ok(Verdict::Keep(()))
}

/// Ends a person's sessions except for one.
async fn end_but(
    c: &mut Conn,
    user: UserId,
    keep: Option<SessionId>,
    why: SessionEnd,
    at: Timestamp,
) -> Result<(), Failure> {
    let ongoing = sessions::table
        .filter(sessions::user_id.eq(Id::from(user)))
        .filter(sessions::ended_at.is_null());
    match keep {
        None => {
            diesel::update(ongoing)
                .set(ending(why, at))
                .execute(c)
                .await?
        }
        Some(keep) => {
            let others = ongoing.filter(sessions::session_id.ne(Id::from(keep)));
            diesel::update(others)
                .set(ending(why, at))
                .execute(c)
                .await?
        }
    };
    Ok(())
}

pub(crate) async fn change_password(
    c: &mut Conn,
    change: &ChangePassword,
    by: By,
) -> Result<Verdict<bool>, Failure> {
    let person = users::table
        .find(Id::from(change.user_id))
        .filter(users::password_hash.eq(&change.old_hash));
    let changed = diesel::update(person)
        .set((
            users::password_hash.eq(&change.new_hash),
            users::signed_out_at.eq(Some(At(change.at))),
        ))
        .execute(c)
        .await?;
    if changed == 0 {
        return Ok(Verdict::Undo(false));
    }
    let why = SessionEnd::PasswordChanged;
    end_but(c, change.user_id, change.keep, why, change.at).await?;
    let changed = |org| entries::person(Action::PasswordChanged, org, change.user_id);
    audit::record_of(c, by, change.user_id, changed).await?;
    Ok(Verdict::Keep(true))
}

/// Gives a person a password, whatever the old one was, and ends their sessions.
pub(super) async fn set_password(
    c: &mut Conn,
    user: UserId,
    new_hash: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    diesel::update(users::table.find(Id::from(user)))
        .set((
            users::password_hash.eq(new_hash),
            users::signed_out_at.eq(Some(At(at))),
        ))
        .execute(c)
        .await?;
    end_but(c, user, None, SessionEnd::PasswordChanged, at).await
}

pub(crate) async fn delete(
    c: &mut Conn,
    before: Timestamp,
    limit: u32,
) -> Result<Verdict<Deleted>, Failure> {
    let old: Vec<Id> = sessions::table
        .filter(sessions::expires_at.lt(At(before)))
        .order(sessions::expires_at)
        .select(sessions::session_id)
        .limit(i64::from(limit))
        .load(c)
        .await?;
    let more = old.len() == limit as usize;
    let rows = diesel::delete(sessions::table.filter(sessions::session_id.eq_any(old)))
        .execute(c)
        .await?;
    diesel::delete(password_resets::table.filter(password_resets::expires_at.lt(At(before))))
        .execute(c)
        .await?;
    Ok(Verdict::Keep(Deleted {
        rows: rows as u64,
        more,
    }))
}
