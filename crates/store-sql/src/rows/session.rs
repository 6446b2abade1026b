use diesel::prelude::*;
use runloom_domain::{OrgId, UserId};
use runloom_store::{
    LoginRecord, NewReset, NewSession, OngoingSession, RefreshSession, SessionRecord, StoreError,
};

use super::account::hash;
use crate::schema::{password_resets, sessions, users};
use crate::types::{At, Id};

/// A session as it is written when it begins.
#[derive(Debug, Insertable)]
#[diesel(table_name = sessions)]
pub(crate) struct NewSessionRow {
    session_id: Id,
    user_id: Id,
    org_id: Id,
    token_hash: Vec<u8>,
    created_at: At,
    last_used_at: At,
    expires_at: At,
}

impl NewSessionRow {
    pub(crate) fn new(user: UserId, org: OrgId, new: &NewSession) -> Self {
        Self {
            session_id: new.session_id.into(),
            user_id: user.into(),
            org_id: org.into(),
            token_hash: new.token_hash.to_vec(),
            created_at: At(new.created_at),
            last_used_at: At(new.created_at),
            expires_at: At(new.expires_at),
        }
    }
}

/// A session as its person sees it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    session_id: Id,
    org_id: Id,
    created_at: At,
    last_used_at: At,
    expires_at: At,
}

impl From<SessionRow> for SessionRecord {
    fn from(row: SessionRow) -> Self {
        Self {
            session_id: row.session_id.into(),
            org_id: row.org_id.into(),
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.0,
            expires_at: row.expires_at.0,
        }
    }
}

/// What decides on a refresh.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(crate) struct RefreshRow {
    session_id: Id,
    pub(crate) user_id: Id,
    pub(crate) org_id: Id,
    token_hash: Vec<u8>,
    previous_hash: Option<Vec<u8>>,
    replaced_at: Option<At>,
    expires_at: At,
}

impl RefreshRow {
    /// Whether the session's token is the one that is presented.
    pub(crate) fn is_current(&self, refresh: &RefreshSession) -> bool {
        self.token_hash == refresh.presented
    }

    /// Whether the token before is presented again soon enough.
    pub(crate) fn is_repeat(&self, refresh: &RefreshSession) -> bool {
        let soon = |at: At| refresh.at.since(at.0) < refresh.repeatable_for;
        self.previous_hash.as_deref() == Some(&refresh.presented)
            && self.replaced_at.is_some_and(soon)
    }

    /// The session as it goes on when its token stays.
    pub(crate) fn ongoing(&self, org_id: OrgId) -> Result<OngoingSession, StoreError> {
        Ok(OngoingSession {
            user_id: self.user_id.into(),
            org_id,
            token_hash: hash("sessions", "token_hash", self.session_id, &self.token_hash)?,
            expires_at: self.expires_at.0,
        })
    }
}

/// A person as they log in.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct LoginRow {
    user_id: Id,
    login: String,
    email: String,
    password_hash: String,
    signed_out_at: Option<At>,
}

impl LoginRow {
    pub(crate) fn into_record(self, org: Option<Id>) -> LoginRecord {
        LoginRecord {
            user_id: self.user_id.into(),
            login: self.login,
            email: self.email,
            org_id: org.map(OrgId::from),
            password_hash: self.password_hash,
            signed_out_at: self.signed_out_at.map(|at| at.0),
        }
    }
}

/// A token to reset a password.
#[derive(Debug, Insertable)]
#[diesel(table_name = password_resets)]
pub(crate) struct ResetRow {
    token_hash: Vec<u8>,
    user_id: Id,
    org_id: Option<Id>,
    created_at: At,
    expires_at: At,
}

impl From<&NewReset> for ResetRow {
    fn from(new: &NewReset) -> Self {
        Self {
            token_hash: new.token_hash.to_vec(),
            user_id: new.user_id.into(),
            org_id: new.org_id.map(Id::from),
            created_at: At(new.created_at),
            expires_at: At(new.expires_at),
        }
    }
}
