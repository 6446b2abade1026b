use diesel::prelude::*;
use runloom_domain::{OrgRole, UserKind};
use runloom_store::{InvitationRecord, MemberRecord, OrgRecord, StoreError};

use super::account::hash;
use crate::failure::corrupt;
use crate::schema::{invitations, memberships, orgs, users};
use crate::types::{At, Id};

/// An organisation as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = orgs)]
pub(crate) struct OrgRow {
    org_id: Id,
    name: String,
    run_visibility: String,
    event_retention_days: Option<i32>,
    version: i64,
    created_at: At,
}

impl OrgRow {
    pub(crate) fn into_record(self) -> Result<OrgRecord, StoreError> {
        let id = self.org_id;
        let days = self.event_retention_days.map(u32::try_from).transpose();
        Ok(OrgRecord {
            org_id: id.into(),
            name: self.name,
            run_visibility: (self.run_visibility.parse())
                .map_err(|error| corrupt("orgs", "run_visibility", id, error))?,
            event_retention_days: days
                .map_err(|error| corrupt("orgs", "event_retention_days", id, error))?,
            version: u64::try_from(self.version)
                .map_err(|error| corrupt("orgs", "version", id, error))?,
            created_at: self.created_at.0,
        })
    }
}

/// A member's role, as it is read.
pub(crate) fn role(
    table: &'static str,
    key: impl std::fmt::Debug,
    text: &str,
) -> Result<OrgRole, StoreError> {
    text.parse()
        .map_err(|error| corrupt(table, "role", key, error))
}

/// A member's account as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct AccountRow {
    user_id: Id,
    login: String,
    email: String,
    kind: String,
}

/// What an account is in an organisation, as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = memberships)]
pub(crate) struct RoleRow {
    role: String,
    created_at: At,
}

pub(crate) fn into_member(
    (account, member): (AccountRow, RoleRow),
) -> Result<MemberRecord, StoreError> {
    let id = account.user_id;
    let kind: UserKind =
        (account.kind.parse()).map_err(|error| corrupt("users", "kind", id, error))?;
    Ok(MemberRecord {
        user_id: id.into(),
        login: account.login,
        email: Some(account.email).filter(|_| kind == UserKind::Person),
        kind,
        role: role("memberships", id, &member.role)?,
        created_at: member.created_at.0,
    })
}

/// An invitation as it is written and read.
#[derive(Debug, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = invitations)]
pub(crate) struct InvitationRow {
    org_id: Id,
    invitation_id: Id,
    email: String,
    email_key: String,
    role: String,
    token_hash: Vec<u8>,
    invited_by: Id,
    expires_at: At,
    created_at: At,
}

impl InvitationRow {
    pub(crate) fn new(new: InvitationRecord, email_key: String, token_hash: [u8; 32]) -> Self {
        Self {
            org_id: new.org_id.into(),
            invitation_id: new.invitation_id.into(),
            email: new.email,
            email_key,
            role: new.role.as_str().to_owned(),
            token_hash: token_hash.to_vec(),
            invited_by: new.invited_by.into(),
            expires_at: At(new.expires_at),
            created_at: At(new.created_at),
        }
    }

    pub(crate) fn email_key(&self) -> &str {
        &self.email_key
    }

    pub(crate) fn into_record(self) -> Result<InvitationRecord, StoreError> {
        let id = self.invitation_id;
        hash("invitations", "token_hash", id, &self.token_hash)?;
        Ok(InvitationRecord {
            invitation_id: id.into(),
            org_id: self.org_id.into(),
            email: self.email,
            role: role("invitations", id, &self.role)?,
            invited_by: self.invited_by.into(),
            expires_at: self.expires_at.0,
            created_at: self.created_at.0,
        })
    }
}
