use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, SessionId, Timestamp, UserId};

use crate::{
    AccountStore, By, Deleted, Idempotency, LoginRecord, Once, Page, Paged, StoreError, UserRecord,
};

/// A session that begins. Its refresh token never reaches the store.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id.
    pub session_id: SessionId,
    /// SHA-256 of its first refresh token.
    pub token_hash: [u8; 32],
    /// When it begins.
    pub created_at: Timestamp,
    /// When its refresh token stops working.
    pub expires_at: Timestamp,
}

/// A person whose password was right.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The person.
    pub user_id: UserId,
    /// The organisation that they want to work in, if they have said.
    pub org_id: Option<OrgId>,
    /// What [`LoginRecord::signed_out_at`](crate::LoginRecord::signed_out_at) was when their
    /// password's hash was read.
    pub signed_out_at: Option<Timestamp>,
    /// Their session.
    pub session: NewSession,
}

/// Why there is no organisation for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOrg {
    /// The person isn't in the one that they want, or it doesn't exist.
    NotAMember,
    /// The person isn't in any.
    None,
}

/// What became of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginSession {
    /// The session has begun, in this organisation.
    Begun(OrgId),
    /// Since the password's hash was read it was changed, or the person has signed out
    /// everywhere.
    Outdated,
    /// It can't be in any organisation.
    NoOrg(NoOrg),
}

/// A refresh token that somebody presents.
#[derive(Clone, Debug)]
pub struct RefreshSession {
    /// Its session.
    pub session_id: SessionId,
    /// Its SHA-256.
    pub presented: [u8; 32],
    /// The SHA-256 of the token that takes its place.
    pub successor: [u8; 32],
    /// The organisation that the session shall be in from now on, if it shall change.
    pub org_id: Option<OrgId>,
    /// When.
    pub at: Timestamp,
    /// When the successor stops working.
    pub expires_at: Timestamp,
    /// For how long after it was replaced a token may be presented again.
    pub repeatable_for: Duration,
}

/// A session that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OngoingSession {
    /// The person.
    pub user_id: UserId,
    /// The organisation that it is in.
    pub org_id: OrgId,
    /// The SHA-256 of its refresh token.
    pub token_hash: [u8; 32],
    /// When that stops working.
    pub expires_at: Timestamp,
}

/// What became of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The session goes on: with the successor, or, when the same token was presented a moment
    /// ago, with the token that took its place then.
    Ongoing(OngoingSession),
    /// The token was replaced too long ago, so somebody has a copy of it. The session has ended.
    Reused(UserId),
    /// There is no such session, or it has ended.
    Unknown,
    /// The session can't be in any organisation; nothing was changed.
    NoOrg(NoOrg),
}

/// A session that hasn't ended, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub session_id: SessionId,
    /// The organisation that it is in.
    pub org_id: OrgId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its refresh token was used last.
    pub last_used_at: Timestamp,
    /// When its refresh token stops working.
    pub expires_at: Timestamp,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The person signed out there.
    SignedOut,
    /// The person ended it, or all, from elsewhere.
    Revoked,
    /// The password was changed or reset.
    PasswordChanged,
    /// A refresh token was used again.
    Reused,
}

impl SessionEnd {
    /// The name under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::PasswordChanged => "password_changed",
            Self::Reused => "reused",
        }
    }
}

/// A person in one of their organisations, and what ends their access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInUser {
    /// The person.
    pub user: UserRecord,
    /// Access tokens without a session that were issued before this are void.
    pub signed_out_at: Option<Timestamp>,
}

/// A new password for who knows the old one.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// The person.
    pub user_id: UserId,
    /// The hash that the old password was checked against.
    pub old_hash: String,
    /// The new password's.
    pub new_hash: String,
    /// The session that goes on; all others end.
    pub keep: Option<SessionId>,
    /// When.
    pub at: Timestamp,
}

/// New names to log in with. What is absent stays.
#[derive(Clone, Debug)]
pub struct Rename {
    /// The person.
    pub user_id: UserId,
    /// The hash that their password was checked against.
    pub password_hash: String,
    /// The name to log in with.
    pub login: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It is done.
    Done,
    /// Somebody has this login or e-mail address.
    Taken,
    /// The password was changed meanwhile.
    Outdated,
}

/// A token by which a person who has forgotten their password gets a new one.
#[derive(Clone, Debug)]
pub struct NewReset {
    /// The person.
    pub user_id: UserId,
    /// The organisation in whose name it is issued; none for whoever runs the server.
    pub org_id: Option<OrgId>,
    /// The token's SHA-256.
    pub token_hash: [u8; 32],
    /// When.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateReset {
    /// It can be used, and earlier ones of the person no more.
    Created,
    /// The person isn't a member of the organisation.
    NotAMember,
    /// The person is a member of others too, which have not been asked.
    ElsewhereToo,
}

/// Sessions of people, and what ends them.
///
/// A session has one refresh token at a time, known by its hash. Each use replaces it.
#[async_trait]
pub trait SessionStore: AccountStore {
    /// Begins a session: in the organisation that is wanted, else in that of the person's newest
    /// session of those that they are still in, else in the one that they joined first.
    async fn begin_session(&self, sign_in: SignIn, by: By) -> Result<BeginSession, StoreError>;

    /// Replaces a session's refresh token by its successor. The session stays in its
    /// organisation, unless another is wanted or the person has left it.
    async fn refresh_session(
        &self,
        refresh: RefreshSession,
        by: By,
    ) -> Result<Refreshed, StoreError>;

    /// Finds a person in an organisation; of `session`, when given, it must be one that hasn't
    /// ended.
    async fn signed_in_user(
        &self,
        org: OrgId,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Option<SignedInUser>, StoreError>;

    /// Whose session it is, if it hasn't ended.
    async fn session_owner(&self, session: SessionId) -> Result<Option<UserId>, StoreError>;

    /// Lists a person's sessions that haven't ended and whose refresh tokens still work at `at`.
    async fn sessions(
        &self,
        user: UserId,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<SessionRecord>, StoreError>;

    /// Ends a person's session; false when they have no such one that hasn't ended.
    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        why: SessionEnd,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError>;

    /// Ends all of a person's sessions.
    async fn end_all_sessions(&self, user: UserId, at: Timestamp, by: By)
    -> Result<(), StoreError>;

    /// Finds a person by id, with what their password is checked against.
    async fn login_of(&self, user: UserId) -> Result<Option<LoginRecord>, StoreError>;

    /// Changes a password and ends sessions; false when it isn't the old one any more.
    async fn change_password(&self, change: ChangePassword, by: By) -> Result<bool, StoreError>;

    /// Gives a person other names to log in with.
    async fn rename_user(&self, rename: Rename, by: By) -> Result<Renamed, StoreError>;

    /// Stores a token to reset a password. One that is issued in the name of an organisation is
    /// for people of whom nobody else decides: its members that are in no other.
    async fn create_reset(
        &self,
        new: NewReset,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateReset>, StoreError>;

    /// Whether a token to reset a password works at `at`.
    async fn has_reset(&self, token_hash: [u8; 32], at: Timestamp) -> Result<bool, StoreError>;

    /// Uses up a token to reset a password: the person gets the new one, and all their sessions
    /// end. `None` when it doesn't work; so it is when the person has since joined another
    /// organisation or left the one in whose name it was issued.
    async fn use_reset(
        &self,
        token_hash: [u8; 32],
        new_hash: String,
        at: Timestamp,
        by: By,
    ) -> Result<Option<UserId>, StoreError>;

    /// Deletes up to `limit` sessions whose refresh tokens stopped working before `before`, and
    /// as many tokens to reset a password.
    async fn delete_sessions(&self, before: Timestamp, limit: u32) -> Result<Deleted, StoreError>;
}
