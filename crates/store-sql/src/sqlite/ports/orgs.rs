//! Organisations and who belongs to them.

use async_trait::async_trait;
use runloom_domain::{InvitationId, OrgId, OrgRole, RunId, UserId, UserKind};
use runloom_store::{
    By, ChangeMember, Idempotency, InvitationRecord, Join, JoinedOrg, MemberPatch, MemberRecord,
    NewAccount, NewOrg, NewService, Once, OrgPatch, OrgRecord, OrgStore, Page, Paged,
    PresentedInvitation, StoreError, Update,
};

use crate::sqlite::queries::{invitations, members, orgs};
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl OrgStore for SqliteStore {
    async fn create_org(
        &self,
        new: NewOrg,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(orgs::create(c, now, new, once, by)))
            .await
    }

    async fn org(&self, org: OrgId) -> Result<Option<OrgRecord>, StoreError> {
        self.read(move |c| done(orgs::get(c, org))).await
    }

    async fn orgs_of(&self, user: UserId, page: Page) -> Result<Paged<JoinedOrg>, StoreError> {
        self.read(move |c| done(orgs::of_user(c, user, page))).await
    }

    async fn update_org(
        &self,
        org: OrgId,
        expected: u64,
        patch: OrgPatch,
        by: By,
    ) -> Result<Update<OrgRecord>, StoreError> {
        self.decide(move |c| done(orgs::update(c, org, expected, patch, by)))
            .await
    }

    async fn member(&self, org: OrgId, user: UserId) -> Result<Option<MemberRecord>, StoreError> {
        self.read(move |c| done(members::get(c, org, user))).await
    }

    async fn members(
        &self,
        org: OrgId,
        kind: Option<UserKind>,
        page: Page,
    ) -> Result<Paged<MemberRecord>, StoreError> {
        self.read(move |c| done(members::list(c, org, kind, page)))
            .await
    }

    async fn create_service(
        &self,
        new: NewService,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(members::create_service(c, now, new, once, by)))
            .await
    }

    async fn change_member(
        &self,
        org: OrgId,
        user: UserId,
        patch: MemberPatch,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<MemberRecord>, StoreError> {
        self.decide(move |c| done(members::change(c, (org, user), patch, rank, by)))
            .await
    }

    async fn remove_member(
        &self,
        org: OrgId,
        user: UserId,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<()>, StoreError> {
        self.decide(move |c| done(members::remove(c, org, user, rank, by)))
            .await
    }

    async fn invite(
        &self,
        new: InvitationRecord,
        token_hash: [u8; 32],
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(invitations::create(c, now, new, token_hash, once, by)))
            .await
    }

    async fn invitation(
        &self,
        presented: PresentedInvitation,
    ) -> Result<Option<InvitationRecord>, StoreError> {
        self.read(move |c| done(invitations::find(c, presented)))
            .await
    }

    async fn invitations(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<InvitationRecord>, StoreError> {
        self.read(move |c| done(invitations::list(c, org, page)))
            .await
    }

    async fn withdraw_invitation(
        &self,
        org: OrgId,
        invitation: InvitationId,
        by: By,
    ) -> Result<bool, StoreError> {
        self.write(move |c| done(invitations::withdraw(c, org, invitation, by)))
            .await
    }

    async fn accept_invitation(
        &self,
        presented: PresentedInvitation,
        user: UserId,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(invitations::accept(c, now, presented, user, once, by)))
            .await
    }

    async fn register_invited(
        &self,
        new: NewAccount,
        presented: PresentedInvitation,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(invitations::register(c, now, new, presented, once, by)))
            .await
    }

    async fn runs_created_by(
        &self,
        org: OrgId,
        user: UserId,
        runs: Vec<RunId>,
    ) -> Result<Vec<RunId>, StoreError> {
        self.read(move |c| done(orgs::runs_created_by(c, org, user, runs)))
            .await
    }
}
