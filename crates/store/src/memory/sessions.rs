use async_trait::async_trait;
use runloom_domain::{OrgId, SessionId, Timestamp, UserId};

use super::MemoryStore;
use super::lists::newest_first;
use super::state::{State, rejected, storable};
use crate::{
    Action, BeginSession, By, ChangePassword, CreateReset, Deleted, Idempotency, LoginRecord,
    NewReset, NewSession, NoOrg, Once, OngoingSession, Page, PageKey, Paged, RefreshSession,
    Refreshed, Rename, Renamed, SessionEnd, SessionRecord, SessionStore, SignIn, SignedInUser,
    StoreError, entries,
};

/// A session and what has happened to it since it began.
pub(super) struct StoredSession {
    user: UserId,
    record: SessionRecord,
    token_hash: [u8; 32],
    /// The token before, and when it was replaced.
    replaced: Option<([u8; 32], Timestamp)>,
    ended: bool,
}

impl StoredSession {
    fn is_of(&self, user: UserId) -> bool {
        self.user == user && !self.ended
    }

    fn ongoing(&self) -> OngoingSession {
        OngoingSession {
            user_id: self.user,
            org_id: self.record.org_id,
            token_hash: self.token_hash,
            expires_at: self.record.expires_at,
        }
    }

    /// Whether the token before is presented again soon enough.
    fn is_repeat(&self, refresh: &RefreshSession) -> bool {
        self.replaced.is_some_and(|(before, at)| {
            before == refresh.presented && refresh.at.since(at) < refresh.repeatable_for
        })
    }
}

impl State {
    pub(super) fn add_session(&mut self, user: UserId, org_id: OrgId, new: &NewSession) {
        let session = StoredSession {
            user,
            record: SessionRecord {
                session_id: new.session_id,
                org_id,
                created_at: new.created_at,
                last_used_at: new.created_at,
                expires_at: new.expires_at,
            },
            token_hash: new.token_hash,
            replaced: None,
            ended: false,
        };
        self.sessions.insert(new.session_id, session);
    }

    /// The organisations that a person is in, in the order of joining.
    fn orgs_of(&self, user: UserId) -> Vec<OrgId> {
        let mut joined = self.joined_orgs(user);
        joined.sort_unstable();
        joined.into_iter().map(|(_, org)| org).collect()
    }

    /// The organisation of a session: the one that is wanted, else the one of before.
    fn choose_org(
        &self,
        user: UserId,
        wanted: Option<OrgId>,
        before: Option<OrgId>,
    ) -> Result<OrgId, NoOrg> {
        let orgs = self.orgs_of(user);
        match wanted {
            Some(wanted) if orgs.contains(&wanted) => Ok(wanted),
            Some(_) => Err(NoOrg::NotAMember),
            None => {
                let before = before.filter(|org| orgs.contains(org));
                before.or(orgs.first().copied()).ok_or(NoOrg::None)
            }
        }
    }

    /// The organisation of a person's newest session of those that they are still in.
    fn newest_org(&self, user: UserId) -> Option<OrgId> {
        let orgs = self.orgs_of(user);
        let own = self.sessions.values().filter(|s| s.user == user);
        own.filter(|s| orgs.contains(&s.record.org_id))
            .max_by_key(|s| (s.record.created_at, s.record.session_id))
            .map(|s| s.record.org_id)
    }

    fn end_sessions(&mut self, user: UserId, keep: Option<SessionId>, at: Timestamp) {
        if let Some(account) = self.accounts.get_mut(&user) {
            account.signed_out_at = Some(at);
        }
        let own = self.sessions.values_mut().filter(|s| s.user == user);
        for session in own.filter(|s| keep != Some(s.record.session_id)) {
            session.ended = true;
        }
    }

    fn refresh(&mut self, refresh: &RefreshSession, by: By) -> Refreshed {
        let found = self.sessions.get(&refresh.session_id);
        let Some(session) =
            found.filter(|session| !session.ended && session.record.expires_at > refresh.at)
        else {
            return Refreshed::Unknown;
        };
        let (user, is_current) = (session.user, session.token_hash == refresh.presented);
        let known = is_current || session.is_repeat(refresh);
        let before = session.record.org_id;
        let org = self.choose_org(user, refresh.org_id, Some(before));
        let Some(session) = self.sessions.get_mut(&refresh.session_id) else {
            return Refreshed::Unknown;
        };
        if !known {
            session.ended = true;
            let why = SessionEnd::Reused;
            self.record_end((user, refresh.session_id), before, why, by);
            return Refreshed::Reused(user);
        }
        match org {
            Ok(org) => session.record.org_id = org,
            Err(none) => return Refreshed::NoOrg(none),
        }
        if is_current {
            session.token_hash = refresh.successor;
            session.replaced = Some((refresh.presented, refresh.at));
            session.record.last_used_at = refresh.at;
            session.record.expires_at = refresh.expires_at;
        }
        let ongoing = session.ongoing();
        if ongoing.org_id != before {
            let (action, id) = (Action::SessionMoved, refresh.session_id);
            self.note(by, entries::session(action, ongoing.org_id, user, id));
        }
        Refreshed::Ongoing(ongoing)
    }

    /// Where the session was, if its person is still in that organisation.
    fn record_end(
        &mut self,
        (user, session): (UserId, SessionId),
        org: OrgId,
        why: SessionEnd,
        by: By,
    ) {
        if self.role_in(org, user).is_some() {
            self.note(by, entries::session_ended(org, user, session, why));
        }
    }

    /// Whether nobody but this organisation decides of a person.
    fn belongs_to(&self, user: UserId, org: OrgId) -> Result<(), CreateReset> {
        match self.orgs_of(user).as_slice() {
            orgs if !orgs.contains(&org) => Err(CreateReset::NotAMember),
            [_] => Ok(()),
            _ => Err(CreateReset::ElsewhereToo),
        }
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn begin_session(&self, sign_in: SignIn, by: By) -> Result<BeginSession, StoreError> {
        let mut state = self.state();
        let user = sign_in.user_id;
        let account = state.accounts.get(&user);
        if account.is_none_or(|account| account.signed_out_at != sign_in.signed_out_at) {
            return Ok(BeginSession::Outdated);
        }
        let newest = state.newest_org(user);
        match state.choose_org(user, sign_in.org_id, newest) {
            Ok(org) => {
                state.add_session(user, org, &sign_in.session);
                let (action, id) = (Action::SessionBegun, sign_in.session.session_id);
                state.note(by, entries::session(action, org, user, id));
                Ok(BeginSession::Begun(org))
            }
            Err(none) => Ok(BeginSession::NoOrg(none)),
        }
    }

    async fn refresh_session(
        &self,
        refresh: RefreshSession,
        by: By,
    ) -> Result<Refreshed, StoreError> {
        Ok(self.state().refresh(&refresh, by))
    }

    async fn signed_in_user(
        &self,
        org: OrgId,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Option<SignedInUser>, StoreError> {
        let state = self.state();
        if let Some(session) = session {
            let found = state.sessions.get(&session);
            if found.is_none_or(|found| !found.is_of(user)) {
                return Ok(None);
            }
        }
        let signed_out_at = state
            .accounts
            .get(&user)
            .and_then(|user| user.signed_out_at);
        let member = state.user_record(org, user);
        Ok(member.map(|user| SignedInUser {
            user,
            signed_out_at,
        }))
    }

    async fn session_owner(&self, session: SessionId) -> Result<Option<UserId>, StoreError> {
        let state = self.state();
        let found = state.sessions.get(&session).filter(|found| !found.ended);
        Ok(found.map(|found| found.user))
    }

    async fn sessions(
        &self,
        user: UserId,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<SessionRecord>, StoreError> {
        let state = self.state();
        let own = state.sessions.values().filter(|s| s.is_of(user));
        let records = own.map(|s| s.record.clone()).filter(|s| s.expires_at > at);
        Ok(newest_first(records.collect(), page, |record| PageKey {
            created_at: record.created_at,
            id: record.session_id.as_uuid(),
        }))
    }

    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        why: SessionEnd,
        _at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.sessions.get_mut(&session).filter(|s| s.is_of(user));
        let Some(found) = found else {
            return Ok(false);
        };
        found.ended = true;
        let org = found.record.org_id;
        state.record_end((user, session), org, why, by);
        Ok(true)
    }

    async fn end_all_sessions(
        &self,
        user: UserId,
        at: Timestamp,
        by: By,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.end_sessions(user, None, at);
        let action = Action::SessionsEnded;
        state.note_of(by, user, |org| entries::person(action, org, user));
        Ok(())
    }

    async fn login_of(&self, user: UserId) -> Result<Option<LoginRecord>, StoreError> {
        let state = self.state();
        let account = state.accounts.get(&user);
        Ok(account.map(|account| state.login_record(account)))
    }

    async fn change_password(&self, change: ChangePassword, by: By) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.accounts.get_mut(&change.user_id);
        let Some(account) = found.filter(|found| found.password_hash == change.old_hash) else {
            return Ok(false);
        };
        account.password_hash = change.new_hash;
        let user = change.user_id;
        state.end_sessions(user, change.keep, change.at);
        let action = Action::PasswordChanged;
        state.note_of(by, user, |org| entries::person(action, org, user));
        Ok(true)
    }

    async fn rename_user(&self, rename: Rename, by: By) -> Result<Renamed, StoreError> {
        let mut state = self.state();
        let names = [rename.login.as_deref(), rename.email.as_deref()];
        storable(names.into_iter().flatten())?;
        for name in names.into_iter().flatten().map(str::to_lowercase) {
            let mut others = state.accounts.values();
            if others.any(|other| other.user_id != rename.user_id && other.has_name(&name)) {
                return Ok(Renamed::Taken);
            }
        }
        let found = state.accounts.get_mut(&rename.user_id);
        let Some(account) = found.filter(|found| found.password_hash == rename.password_hash)
        else {
            return Ok(Renamed::Outdated);
        };
        if let Some(login) = &rename.login {
            account.login.clone_from(login);
        }
        if let Some(email) = &rename.email {
            account.email.clone_from(email);
        }
        state.note_of(by, rename.user_id, |org| entries::renamed(org, &rename));
        Ok(Renamed::Done)
    }

    async fn create_reset(
        &self,
        new: NewReset,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateReset>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        if let Some(org) = new.org_id
            && let Err(refused) = state.belongs_to(new.user_id, org)
        {
            return Ok(Once::Done(refused));
        }
        if !state.accounts.contains_key(&new.user_id) {
            return Err(rejected("the person isn't there"));
        }
        let issued = |org| entries::person(Action::PasswordResetIssued, org, new.user_id);
        match new.org_id {
            Some(org) => state.note(by, issued(org)),
            None => state.note_of(by, new.user_id, issued),
        }
        state.resets.retain(|_, other| other.user_id != new.user_id);
        state.resets.insert(new.token_hash, new);
        state.keep(once, now);
        Ok(Once::Done(CreateReset::Created))
    }

    async fn has_reset(&self, token_hash: [u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        let state = self.state();
        let found = state.resets.get(&token_hash);
        Ok(found.is_some_and(|reset| reset.expires_at > at))
    }

    async fn use_reset(
        &self,
        token_hash: [u8; 32],
        new_hash: String,
        at: Timestamp,
        by: By,
    ) -> Result<Option<UserId>, StoreError> {
        let mut state = self.state();
        let found = state.resets.remove(&token_hash);
        let Some(reset) = found.filter(|reset| reset.expires_at > at) else {
            return Ok(None);
        };
        let user = reset.user_id;
        let refused = reset.org_id.map(|org| state.belongs_to(user, org));
        if matches!(refused, Some(Err(_))) {
            return Ok(None);
        }
        let Some(account) = state.accounts.get_mut(&user) else {
            return Ok(None);
        };
        account.password_hash = new_hash;
        state.end_sessions(user, None, at);
        let action = Action::PasswordReset;
        state.note_of(by, user, |org| entries::person(action, org, user));
        Ok(Some(user))
    }

    async fn delete_sessions(&self, before: Timestamp, limit: u32) -> Result<Deleted, StoreError> {
        let mut state = self.state();
        let old = state.sessions.values().map(|s| &s.record);
        let old = old.filter(|s| s.expires_at < before).map(|s| s.session_id);
        let old: Vec<SessionId> = old.take(limit as usize).collect();
        for session in &old {
            state.sessions.remove(session);
        }
        state.resets.retain(|_, reset| reset.expires_at >= before);
        Ok(Deleted {
            rows: old.len() as u64,
            more: old.len() == limit as usize,
        })
    }
}
