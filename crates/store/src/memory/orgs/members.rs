use runloom_domain::{OrgId, OrgRole, Timestamp, UserId, UserKind};

use crate::memory::accounts::Account;
use crate::memory::lists::newest_first;
use crate::memory::state::State;
use crate::{
    By, ChangeMember, MemberPatch, MemberRecord, NewService, Page, PageKey, Paged, entries,
};

/// What somebody is in an organisation.
pub(super) struct Membership {
    role: OrgRole,
    created_at: Timestamp,
}

impl State {
    pub(in crate::memory) fn add_member(
        &mut self,
        place: (OrgId, UserId),
        role: OrgRole,
        created_at: Timestamp,
    ) {
        let membership = Membership { role, created_at };
        self.orgs.members.insert(place, membership);
    }

    pub(in crate::memory) fn role_in(&self, org: OrgId, user: UserId) -> Option<OrgRole> {
        Some(self.orgs.members.get(&(org, user))?.role)
    }

    /// The organisations that somebody is in, with when they joined.
    pub(in crate::memory) fn joined_orgs(&self, user: UserId) -> Vec<(Timestamp, OrgId)> {
        let members = self.orgs.members.iter();
        let theirs = members.filter(|((_, member), _)| *member == user);
        let joined = theirs.map(|((org, _), membership)| (membership.created_at, *org));
        joined.collect()
    }

    /// The one that they joined first.
    pub(in crate::memory) fn first_org_of(&self, user: UserId) -> Option<OrgId> {
        let first = self.joined_orgs(user).into_iter().min();
        first.map(|(_, org)| org)
    }

    pub(super) fn member_record(&self, org: OrgId, user: UserId) -> Option<MemberRecord> {
        let membership = self.orgs.members.get(&(org, user))?;
        let account = self.accounts.get(&user)?;
        let is_person = account.kind == UserKind::Person;
        Some(MemberRecord {
            user_id: user,
            login: account.login.clone(),
            email: is_person.then(|| account.email.clone()),
            kind: account.kind,
            role: membership.role,
            created_at: membership.created_at,
        })
    }

    pub(super) fn member_list(
        &self,
        org: OrgId,
        kind: Option<UserKind>,
        page: Page,
    ) -> Paged<MemberRecord> {
        let places = self.orgs.members.keys().filter(|(of, _)| *of == org);
        let members = places.filter_map(|(org, user)| self.member_record(*org, *user));
        let wanted = members.filter(|member| kind.is_none_or(|kind| kind == member.kind));
        newest_first(wanted.collect(), page, |member| PageKey {
            created_at: member.created_at,
            id: member.user_id.as_uuid(),
        })
    }

    pub(super) fn add_service(&mut self, new: NewService) {
        self.add_member((new.org_id, new.user_id), new.role, new.created_at);
        let account = Account::service(new.user_id, new.name, new.created_at);
        self.accounts.insert(new.user_id, account);
    }

    /// Why a member may not be changed by somebody with the role `by`, if it may not.
    fn why_not<T>(
        &self,
        (org, user): (OrgId, UserId),
        rank: OrgRole,
        goes_on_owning: bool,
    ) -> Option<ChangeMember<T>> {
        let Some(role) = self.role_in(org, user) else {
            return Some(ChangeMember::Absent);
        };
        if role.is_above(rank) {
            return Some(ChangeMember::Above);
        }
        let is_last = role == OrgRole::Owner && self.owning_people(org) == [user];
        (is_last && !goes_on_owning).then_some(ChangeMember::LastOwner)
    }

    fn owning_people(&self, org: OrgId) -> Vec<UserId> {
        let members = self.orgs.members.iter();
        let owners =
            members.filter(|((of, _), membership)| *of == org && membership.role == OrgRole::Owner);
        let is_person = |user: &UserId| {
            let account = self.accounts.get(user);
            account.is_some_and(|account| account.kind == UserKind::Person)
        };
        owners
            .map(|((_, user), _)| *user)
            .filter(is_person)
            .collect()
    }

    pub(super) fn change_member(
        &mut self,
        place: (OrgId, UserId),
        patch: MemberPatch,
        rank: OrgRole,
        by: By,
    ) -> ChangeMember<MemberRecord> {
        let goes_on_owning = patch.role.is_none_or(|role| role == OrgRole::Owner);
        if let Some(refusal) = self.why_not(place, rank, goes_on_owning) {
            return refusal;
        }
        let before = self.role_in(place.0, place.1);
        let membership = self.orgs.members.get_mut(&place);
        if let (Some(membership), Some(role)) = (membership, patch.role) {
            let was = std::mem::replace(&mut membership.role, role);
            if was.is_above(role) {
                self.withdraw_invitations_of(place);
            }
        }
        let account = self.accounts.get_mut(&place.1);
        let service = account.filter(|account| account.kind == UserKind::Service);
        if let (Some(service), Some(name)) = (service, patch.name) {
            service.login = name;
        }
        let changed = self.member_record(place.0, place.1);
        let (Some(before), Some(changed)) = (before, changed) else {
            return ChangeMember::Absent;
        };
        self.note(by, entries::member_changed(place.0, &changed, before));
        ChangeMember::Done(changed)
    }

    pub(super) fn remove_member(
        &mut self,
        place: (OrgId, UserId),
        rank: OrgRole,
        by: By,
    ) -> ChangeMember<()> {
        if let Some(refusal) = self.why_not(place, rank, false) {
            return refusal;
        }
        self.withdraw_invitations_of(place);
        self.drop_keys_of(place.0, place.1);
        if let Some(was) = self.orgs.members.remove(&place) {
            self.note(by, entries::member_removed(place.0, place.1, was.role));
        }
        let is_nowhere = self.first_org_of(place.1).is_none();
        if let Some(account) = self.accounts.get_mut(&place.1) {
            account.closed = is_nowhere;
        }
        ChangeMember::Done(())
    }
}
