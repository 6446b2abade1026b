use runloom_domain::{OrgId, OrgRole, Permission};
use runloom_store::{
    Idempotency, JoinedOrg, NewOrg, Once, OrgPatch, OrgRecord, Page, Paged, Update,
};

use super::OrgRefusal;
use crate::check::Checks;
use crate::{AccountError, Accounts, Caller};

impl Accounts {
    /// Makes an organisation, whose owner the caller becomes. Only for people who have signed
    /// in: what a key may do ends at its own organisation.
    ///
    /// `once` is given the organisation as it will be. Fails with [`AccountError::Invalid`],
    /// naming `name`, and with [`OrgRefusal::PersonNeeded`].
    pub async fn create_org(
        &self,
        caller: &Caller,
        name: String,
        once: impl FnOnce(&JoinedOrg) -> Option<Idempotency>,
    ) -> Result<Once<JoinedOrg>, AccountError> {
        caller.require_person()?;
        let mut checks = Checks::default();
        checks.name(&name);
        checks.finish()?;
        let now = self.clock.now();
        let org = OrgRecord {
            org_id: OrgId::generate(now),
            name: name.clone(),
            run_visibility: runloom_domain::RunVisibility::default(),
            event_retention_days: None,
            version: 1,
            created_at: now,
        };
        let new = NewOrg {
            org_id: org.org_id,
            name,
            owner: caller.user_id,
            created_at: now,
        };
        let role = OrgRole::Owner;
        let joined = JoinedOrg { org, role };
        let once = once(&joined);
        let created = self
            .orgs
            .create_org(new, once, caller.by(self.clock.now()))
            .await?;
        Ok(created.map(|()| joined))
    }

    /// The organisations that the caller belongs to, the youngest first. A key sees its own
    /// alone.
    pub async fn orgs(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<Paged<JoinedOrg>, AccountError> {
        if caller.api_key_id().is_none() {
            return Ok(self.orgs.orgs_of(caller.user_id, page).await?);
        }
        let org = self.org(caller).await?;
        let shown = page.before.is_none().then_some(JoinedOrg {
            org,
            role: caller.role,
        });
        Ok(Paged {
            items: shown.into_iter().collect(),
            next: None,
        })
    }

    /// The caller's organisation.
    pub async fn org(&self, caller: &Caller) -> Result<OrgRecord, AccountError> {
        let org = self.orgs.org(caller.org_id).await?;
        org.ok_or(AccountError::Unauthorized)
    }

    /// Changes the caller's organisation in the version `expected`. What it says of whose runs
    /// are seen counts at once on this node and within 2 s on every other.
    ///
    /// Fails with [`AccountError::Invalid`], naming `name`, and with
    /// [`AccountError::Forbidden`], naming `members.manage`.
    pub async fn update_org(
        &self,
        caller: &Caller,
        expected: u64,
        patch: OrgPatch,
    ) -> Result<Update<OrgRecord>, AccountError> {
        caller.require(Permission::MembersManage)?;
        if let Some(name) = &patch.name {
            let mut checks = Checks::default();
            checks.name(name);
            checks.finish()?;
        }
        let updated = self
            .orgs
            .update_org(caller.org_id, expected, patch, caller.by(self.clock.now()))
            .await?;
        self.lookups.forget_org(caller.org_id);
        Ok(updated)
    }
}

impl Caller {
    /// Fails with [`OrgRefusal::PersonNeeded`] unless it is a person who has signed in: service
    /// accounts come with keys only.
    pub(crate) fn require_person(&self) -> Result<(), OrgRefusal> {
        match self.api_key_id() {
            None => Ok(()),
            Some(_) => Err(OrgRefusal::PersonNeeded),
        }
    }

    /// Fails with [`OrgRefusal::AboveOwnRole`] when the role is above the caller's.
    pub(crate) fn require_within(&self, role: OrgRole) -> Result<(), OrgRefusal> {
        if role.is_above(self.role) {
            return Err(OrgRefusal::AboveOwnRole);
        }
        Ok(())
    }
}
