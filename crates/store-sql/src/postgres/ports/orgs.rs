//! Organisations and who belongs to them.

use async_trait::async_trait;
use futures_util::FutureExt;
use runloom_domain::{InvitationId, OrgId, OrgRole, RunId, UserId, UserKind};
use runloom_store::{
    By, ChangeMember, Idempotency, InvitationRecord, Join, JoinedOrg, MemberPatch, MemberRecord,
    NewAccount, NewOrg, NewService, Once, OrgPatch, OrgRecord, OrgStore, Page, Paged,
    PresentedInvitation, StoreError, Update,
};

use crate::postgres::dialect::Now;
use crate::postgres::queries::{invitations, members, orgs};
use crate::postgres::scope::Scope;
use crate::postgres::transaction::transaction;
use crate::postgres::{PostgresStore, error, finding};

#[async_trait]
impl OrgStore for PostgresStore {
    async fn create_org(
        &self,
        new: NewOrg,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let scope = without_org(once.as_ref()).and(new.org_id).and(new.owner);
        decide!(self, create(scope), (new, once), |c, (new, once)| {
            orgs::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn org(&self, org: OrgId) -> Result<Option<OrgRecord>, StoreError> {
        read!(self, any(org), orgs::get(org))
    }

    async fn orgs_of(&self, user: UserId, page: Page) -> Result<Paged<JoinedOrg>, StoreError> {
        read!(self, any(user), finding::orgs_of(user, page))
    }

    async fn update_org(
        &self,
        org: OrgId,
        expected: u64,
        patch: OrgPatch,
        by: By,
    ) -> Result<Update<OrgRecord>, StoreError> {
        decide!(self, any(org), patch, |c, patch| orgs::update(
            c,
            org,
            expected,
            patch.clone(),
            by
        ))
    }

    async fn member(&self, org: OrgId, user: UserId) -> Result<Option<MemberRecord>, StoreError> {
        read!(self, any(org), members::get(org, user))
    }

    async fn members(
        &self,
        org: OrgId,
        kind: Option<UserKind>,
        page: Page,
    ) -> Result<Paged<MemberRecord>, StoreError> {
        read!(self, any(org), members::list(org, kind, page))
    }

    async fn create_service(
        &self,
        new: NewService,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let scope = Scope::from(new.org_id).and(new.user_id);
        decide!(self, create(scope), (new, once), |c, (new, once)| {
            members::create_service(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn change_member(
        &self,
        org: OrgId,
        user: UserId,
        patch: MemberPatch,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<MemberRecord>, StoreError> {
        let scope = Scope::from(org).and(user);
        decide!(self, any(scope), patch, |c, patch| members::change(
            c,
            (org, user),
            patch.clone(),
            rank,
            by
        ))
    }

    async fn remove_member(
        &self,
        org: OrgId,
        user: UserId,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<()>, StoreError> {
        // Also where else they are a member.
        let scope = Scope::from(org).and(user);
        decide!(self, any(scope), (), |c, ()| members::remove(
            c, org, user, rank, by
        ))
    }

    async fn invite(
        &self,
        new: InvitationRecord,
        token_hash: [u8; 32],
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError> {
        // Whoever has the address may be a member already.
        let scope = finding::scope_of_login(&new.email).and(new.org_id);
        decide!(self, create(scope), (new, once), |c, (new, once)| {
            invitations::create(c, Now, new.clone(), token_hash, once.clone(), by)
        })
    }

    async fn invitation(
        &self,
        presented: PresentedInvitation,
    ) -> Result<Option<InvitationRecord>, StoreError> {
        read!(self, any(presented.org_id), invitations::find(presented))
    }

    async fn invitations(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<InvitationRecord>, StoreError> {
        read!(self, any(org), invitations::list(org, page))
    }

    async fn withdraw_invitation(
        &self,
        org: OrgId,
        invitation: InvitationId,
        by: By,
    ) -> Result<bool, StoreError> {
        write!(self, any(org), c => invitations::withdraw(c, org, invitation, by).await)
    }

    async fn accept_invitation(
        &self,
        presented: PresentedInvitation,
        user: UserId,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError> {
        let scope = Scope::from(presented.org_id).and(user);
        decide!(self, create(scope), once, |c, once| {
            invitations::accept(c, Now, presented, user, once.clone(), by)
        })
    }

    async fn register_invited(
        &self,
        new: NewAccount,
        presented: PresentedInvitation,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError> {
        let scope = without_org(once.as_ref())
            .and(presented.org_id)
            .and(new.user_id);
        decide!(self, create(scope), (new, once), |c, (new, once)| {
            invitations::register(c, Now, new.clone(), presented, once.clone(), by)
        })
    }

    async fn runs_created_by(
        &self,
        org: OrgId,
        user: UserId,
        runs: Vec<RunId>,
    ) -> Result<Vec<RunId>, StoreError> {
        read!(self, any(org), orgs::runs_created_by(org, user, runs))
    }
}

/// The idempotency key of a request that has no organisation yet.
fn without_org(once: Option<&Idempotency>) -> Scope {
    once.map_or_else(Scope::default, |once| Scope::lookup(&once.key))
}
