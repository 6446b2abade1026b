use runloom_domain::{OrgRole, Permission, UserId};
use runloom_store::{ChangeMember, MemberPatch, MemberRecord, Page, Paged};

use super::OrgRefusal;
use super::refusal::changed;
use crate::{AccountError, Accounts, Caller};

/// A member of an organisation.
pub type Member = MemberRecord;

impl Accounts {
    /// The members of the caller's organisation, who came last first.
    pub async fn members(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<Paged<Member>, AccountError> {
        caller.require(Permission::MembersManage)?;
        Ok(self.orgs.members(caller.org_id, None, page).await?)
    }

    /// A member of the caller's organisation.
    ///
    /// Fails with [`OrgRefusal::NoMember`].
    pub async fn member(&self, caller: &Caller, user: UserId) -> Result<Member, AccountError> {
        caller.require(Permission::MembersManage)?;
        let member = self.orgs.member(caller.org_id, user).await?;
        Ok(member.ok_or(OrgRefusal::NoMember)?)
    }

    /// Gives a member another role. It counts at once on this node and within 2 s on every other.
    ///
    /// Fails with [`OrgRefusal::NoMember`], [`OrgRefusal::AboveOwnRole`] for a role or a member
    /// above the caller's, and [`OrgRefusal::LastOwner`].
    pub async fn set_role(
        &self,
        caller: &Caller,
        user: UserId,
        role: OrgRole,
    ) -> Result<Member, AccountError> {
        caller.require(Permission::MembersManage)?;
        caller.require_within(role)?;
        let patch = MemberPatch {
            role: Some(role),
            name: None,
        };
        let change = self.change_member(caller, user, patch).await?;
        Ok(changed(change, OrgRefusal::NoMember)?)
    }

    /// Removes a member with its keys; people may leave without a permission. Its runs and
    /// threads stay. It is nobody here at once on this node and within 2 s on every other.
    ///
    /// Fails like [`set_role`](Self::set_role).
    pub async fn remove_member(&self, caller: &Caller, user: UserId) -> Result<(), AccountError> {
        let leaves = user == caller.user_id && caller.api_key_id().is_none();
        if !leaves {
            caller.require(Permission::MembersManage)?;
        }
        // Nobody stands above somebody who leaves.
        let by = if leaves { OrgRole::Owner } else { caller.role };
        let change = self
            .orgs
            .remove_member(caller.org_id, user, by, caller.by(self.clock.now()))
            .await?;
        self.lookups.forget_member(caller.org_id, user);
        Ok(changed(change, OrgRefusal::NoMember)?)
    }

    pub(super) async fn change_member(
        &self,
        caller: &Caller,
        user: UserId,
        patch: MemberPatch,
    ) -> Result<ChangeMember<Member>, AccountError> {
        let org = caller.org_id;
        let change = self
            .orgs
            .change_member(org, user, patch, caller.role, caller.by(self.clock.now()))
            .await;
        self.lookups.forget_member(org, user);
        Ok(change?)
    }
}
