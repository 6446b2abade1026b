use runloom_domain::{OrgRole, Permission, Timestamp, UserId, UserKind};
use runloom_store::{Idempotency, MemberPatch, MemberRecord, NewService, Once, Page, Paged};

use super::OrgRefusal;
use super::refusal::changed;
use crate::check::Checks;
use crate::{AccountError, Accounts, Caller};

/// A service account that somebody wants.
#[derive(Clone, Debug)]
pub struct ServiceAccountRequest {
    /// What people shall call it: 1 to 100 characters.
    pub name: String,
    /// What it shall be in the organisation.
    pub role: OrgRole,
}

/// A service account: a member that isn't a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its id.
    pub user_id: UserId,
    /// What people call it.
    pub name: String,
    /// What it is in the organisation.
    pub role: OrgRole,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<MemberRecord> for ServiceAccount {
    fn from(member: MemberRecord) -> Self {
        Self {
            user_id: member.user_id,
            name: member.login,
            role: member.role,
            created_at: member.created_at,
        }
    }
}

impl Accounts {
    /// Makes a service account in the caller's organisation.
    ///
    /// `once` is given the account as it will be. Fails with [`AccountError::Invalid`], naming
    /// `name`, and with [`OrgRefusal::AboveOwnRole`].
    pub async fn create_service_account(
        &self,
        caller: &Caller,
        request: ServiceAccountRequest,
        once: impl FnOnce(&ServiceAccount) -> Option<Idempotency>,
    ) -> Result<Once<ServiceAccount>, AccountError> {
        caller.require(Permission::MembersManage)?;
        caller.require_within(request.role)?;
        check_name(&request.name)?;
        let now = self.clock.now();
        let account = ServiceAccount {
            user_id: UserId::generate(now),
            name: request.name,
            role: request.role,
            created_at: now,
        };
        let new = NewService {
            org_id: caller.org_id,
            user_id: account.user_id,
            name: account.name.clone(),
            role: account.role,
            created_at: now,
        };
        let once = once(&account);
        let created = self
            .orgs
            .create_service(new, once, caller.by(self.clock.now()))
            .await?;
        Ok(created.map(|()| account))
    }

    /// The service accounts of the caller's organisation, newest first.
    pub async fn service_accounts(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<Paged<ServiceAccount>, AccountError> {
        caller.require(Permission::MembersManage)?;
        let kind = Some(UserKind::Service);
        let found = self.orgs.members(caller.org_id, kind, page).await?;
        Ok(Paged {
            items: found.items.into_iter().map(ServiceAccount::from).collect(),
            next: found.next,
        })
    }

    /// A service account of the caller's organisation.
    ///
    /// Fails with [`OrgRefusal::NoService`].
    pub async fn service_account(
        &self,
        caller: &Caller,
        id: UserId,
    ) -> Result<ServiceAccount, AccountError> {
        caller.require(Permission::MembersManage)?;
        self.find_service(caller, id).await
    }

    /// The same for a caller whose right to it has been looked at.
    pub(crate) async fn find_service(
        &self,
        caller: &Caller,
        id: UserId,
    ) -> Result<ServiceAccount, AccountError> {
        let member = self.orgs.member(caller.org_id, id).await?;
        let service = member.filter(|member| member.kind == UserKind::Service);
        Ok(service.map(Into::into).ok_or(OrgRefusal::NoService)?)
    }

    /// Changes a service account's name, its role, or both.
    ///
    /// Fails with [`AccountError::Invalid`], naming `name`, with [`OrgRefusal::NoService`], and
    /// with [`OrgRefusal::AboveOwnRole`].
    pub async fn update_service_account(
        &self,
        caller: &Caller,
        id: UserId,
        name: Option<String>,
        role: Option<OrgRole>,
    ) -> Result<ServiceAccount, AccountError> {
        self.service_account(caller, id).await?;
        if let Some(role) = role {
            caller.require_within(role)?;
        }
        if let Some(name) = &name {
            check_name(name)?;
        }
        let patch = MemberPatch { role, name };
        let change = self.change_member(caller, id, patch).await?;
        Ok(changed(change, OrgRefusal::NoService)?.into())
    }

    /// Deletes a service account with its keys. Its runs and threads stay.
    ///
    /// Fails with [`OrgRefusal::NoService`] and [`OrgRefusal::AboveOwnRole`].
    pub async fn delete_service_account(
        &self,
        caller: &Caller,
        id: UserId,
    ) -> Result<(), AccountError> {
        self.service_account(caller, id).await?;
        let (org, by) = (caller.org_id, caller.role);
        let change = self
            .orgs
            .remove_member(org, id, by, caller.by(self.clock.now()))
            .await?;
        self.lookups.forget_member(org, id);
        Ok(changed(change, OrgRefusal::NoService)?)
    }
}

fn check_name(name: &str) -> Result<(), AccountError> {
    let mut checks = Checks::default();
    checks.name(name);
    checks.finish()
}
