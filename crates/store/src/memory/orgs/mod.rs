mod invitations;
mod members;

use std::collections::BTreeMap;

use async_trait::async_trait;
use runloom_domain::{
    InvitationId, OrgId, OrgRole, RunId, RunVisibility, Timestamp, UserId, UserKind,
};

use self::invitations::StoredInvitation;
use self::members::Membership;
use super::MemoryStore;
use super::lists::newest_first;
use super::state::{State, storable};
use crate::{
    By, ChangeMember, Idempotency, InvitationRecord, Join, JoinedOrg, MemberPatch, MemberRecord,
    NewAccount, NewOrg, NewService, Once, OrgPatch, OrgRecord, OrgStore, Page, PageKey, Paged,
    PresentedInvitation, StoreError, Update, entries,
};

/// Organisations, who belongs to them, and who shall.
#[derive(Default)]
pub(super) struct Orgs {
    pub(super) rows: BTreeMap<OrgId, OrgRecord>,
    members: BTreeMap<(OrgId, UserId), Membership>,
    invitations: Vec<StoredInvitation>,
}

#[async_trait]
impl OrgStore for MemoryStore {
    async fn create_org(
        &self,
        new: NewOrg,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable([new.name.as_str()])?;
        state.make_org(new.org_id, &new.name, new.created_at);
        state.add_member((new.org_id, new.owner), OrgRole::Owner, new.created_at);
        state.note(by, entries::org_created(&new));
        state.keep(once, now);
        Ok(Once::Done(()))
    }

    async fn org(&self, org: OrgId) -> Result<Option<OrgRecord>, StoreError> {
        Ok(self.state().org_record(org))
    }

    async fn orgs_of(&self, user: UserId, page: Page) -> Result<Paged<JoinedOrg>, StoreError> {
        let state = self.state();
        let orgs = state.orgs.rows.keys().filter_map(|org| {
            let role = state.role_in(*org, user)?;
            let org = state.org_record(*org)?;
            Some(JoinedOrg { org, role })
        });
        Ok(newest_first(orgs.collect(), page, |joined| PageKey {
            created_at: joined.org.created_at,
            id: joined.org.org_id.as_uuid(),
        }))
    }

    async fn update_org(
        &self,
        org: OrgId,
        expected: u64,
        patch: OrgPatch,
        by: By,
    ) -> Result<Update<OrgRecord>, StoreError> {
        storable(patch.name.as_deref())?;
        let mut state = self.state();
        let Some(record) = state.orgs.rows.get_mut(&org) else {
            return Ok(Update::Absent);
        };
        if record.version != expected {
            return Ok(Update::Stale);
        }
        record.version += 1;
        if let Some(name) = patch.name {
            record.name = name;
        }
        if let Some(visibility) = patch.run_visibility {
            record.run_visibility = visibility;
        }
        let Some(changed) = state.org_record(org) else {
            return Ok(Update::Absent);
        };
        state.note(by, entries::org_changed(&changed));
        Ok(Update::Done(changed))
    }

    async fn member(&self, org: OrgId, user: UserId) -> Result<Option<MemberRecord>, StoreError> {
        Ok(self.state().member_record(org, user))
    }

    async fn members(
        &self,
        org: OrgId,
        kind: Option<UserKind>,
        page: Page,
    ) -> Result<Paged<MemberRecord>, StoreError> {
        Ok(self.state().member_list(org, kind, page))
    }

    async fn create_service(
        &self,
        new: NewService,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable([new.name.as_str()])?;
        state.note(by, entries::service_created(&new));
        state.add_service(new);
        state.keep(once, now);
        Ok(Once::Done(()))
    }

    async fn change_member(
        &self,
        org: OrgId,
        user: UserId,
        patch: MemberPatch,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<MemberRecord>, StoreError> {
        storable(patch.name.as_deref())?;
        Ok(self.state().change_member((org, user), patch, rank, by))
    }

    async fn remove_member(
        &self,
        org: OrgId,
        user: UserId,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<()>, StoreError> {
        Ok(self.state().remove_member((org, user), rank, by))
    }

    async fn invite(
        &self,
        new: InvitationRecord,
        token_hash: [u8; 32],
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable([new.email.as_str()])?;
        if !state.invite(new, token_hash, by) {
            return Ok(Once::Done(false));
        }
        state.keep(once, now);
        Ok(Once::Done(true))
    }

    async fn invitation(
        &self,
        presented: PresentedInvitation,
    ) -> Result<Option<InvitationRecord>, StoreError> {
        Ok(self.state().good_invitation(presented).cloned())
    }

    async fn invitations(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<InvitationRecord>, StoreError> {
        Ok(self.state().invitation_list(org, page))
    }

    async fn withdraw_invitation(
        &self,
        org: OrgId,
        invitation: InvitationId,
        by: By,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let withdrawn = state.withdraw_invitation(org, invitation);
        if withdrawn {
            state.note(by, entries::invitation_withdrawn(org, invitation));
        }
        Ok(withdrawn)
    }

    async fn accept_invitation(
        &self,
        presented: PresentedInvitation,
        user: UserId,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        let joined = state.accept_invitation(presented, user, by);
        if joined == Join::Joined {
            state.keep(once, now);
        }
        Ok(Once::Done(joined))
    }

    async fn register_invited(
        &self,
        new: NewAccount,
        presented: PresentedInvitation,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable([new.login.as_str(), &new.email])?;
        let joined = state.register_invited(new, presented, by);
        if joined == Join::Joined {
            state.keep(once, now);
        }
        Ok(Once::Done(joined))
    }

    async fn runs_created_by(
        &self,
        org: OrgId,
        user: UserId,
        mut runs: Vec<RunId>,
    ) -> Result<Vec<RunId>, StoreError> {
        let state = self.state();
        let is_theirs = |run: &RunId| {
            let found = state.run(org, *run);
            found.is_some_and(|run| run.row.created_by == user)
        };
        runs.retain(is_theirs);
        Ok(runs)
    }
}

impl State {
    /// Makes an organisation unless it is there.
    pub(super) fn make_org(&mut self, org: OrgId, name: &str, at: Timestamp) {
        self.orgs.rows.entry(org).or_insert_with(|| OrgRecord {
            org_id: org,
            name: name.to_owned(),
            run_visibility: RunVisibility::default(),
            event_retention_days: None,
            version: 1,
            created_at: at,
        });
    }

    fn org_record(&self, org: OrgId) -> Option<OrgRecord> {
        Some(OrgRecord {
            event_retention_days: self.retention.get(&org).copied(),
            ..self.orgs.rows.get(&org)?.clone()
        })
    }
}
