use runloom_domain::{InvitationId, OrgId, UserId};

use crate::memory::lists::newest_first;
use crate::memory::state::State;
use crate::{
    By, InvitationRecord, Join, NewAccount, Page, PageKey, Paged, PresentedInvitation, entries,
};

/// An invitation with the hash of its token.
pub(super) struct StoredInvitation {
    record: InvitationRecord,
    token_hash: [u8; 32],
}

impl StoredInvitation {
    fn is_for(&self, email: &str) -> bool {
        self.record.email.to_lowercase() == email.to_lowercase()
    }
}

impl State {
    pub(super) fn invite(&mut self, new: InvitationRecord, token_hash: [u8; 32], by: By) -> bool {
        let email = new.email.to_lowercase();
        let mut people = self
            .accounts
            .values()
            .filter(|account| account.has_name(&email));
        if people.any(|account| self.role_in(new.org_id, account.user_id).is_some()) {
            return false;
        }
        self.note(by, entries::invited(&new));
        let invitations = &mut self.orgs.invitations;
        invitations.retain(|other| other.record.org_id != new.org_id || !other.is_for(&new.email));
        invitations.push(StoredInvitation {
            record: new,
            token_hash,
        });
        true
    }

    pub(super) fn good_invitation(
        &self,
        presented: PresentedInvitation,
    ) -> Option<&InvitationRecord> {
        let mut invitations = self.orgs.invitations.iter();
        let found = invitations.find(|invitation| {
            invitation.record.org_id == presented.org_id
                && invitation.token_hash == presented.token_hash
                && invitation.record.expires_at > presented.at
        });
        found.map(|invitation| &invitation.record)
    }

    pub(super) fn invitation_list(&self, org: OrgId, page: Page) -> Paged<InvitationRecord> {
        let invitations = self.orgs.invitations.iter().map(|stored| &stored.record);
        let own = invitations.filter(|record| record.org_id == org).cloned();
        newest_first(own.collect(), page, |record| PageKey {
            created_at: record.created_at,
            id: record.invitation_id.as_uuid(),
        })
    }

    pub(super) fn withdraw_invitation(&mut self, org: OrgId, invitation: InvitationId) -> bool {
        let before = self.orgs.invitations.len();
        self.orgs.invitations.retain(|stored| {
            (stored.record.org_id, stored.record.invitation_id) != (org, invitation)
        });
        self.orgs.invitations.len() < before
    }

    /// Whoever may not invite any more, or not to the same role, has invited nobody.
    pub(super) fn withdraw_invitations_of(&mut self, place: (OrgId, UserId)) {
        self.orgs
            .invitations
            .retain(|stored| (stored.record.org_id, stored.record.invited_by) != place);
    }

    pub(super) fn accept_invitation(
        &mut self,
        presented: PresentedInvitation,
        user: UserId,
        by: By,
    ) -> Join {
        let account = self.accounts.get(&user).filter(|account| !account.closed);
        let email = account.map(|account| account.email.clone());
        let Some(invitation) = email.and_then(|email| self.invitation_for(presented, &email))
        else {
            return Join::NoInvitation;
        };
        if self.role_in(presented.org_id, user).is_some() {
            return Join::Member;
        }
        self.withdraw_invitation(presented.org_id, invitation.invitation_id);
        self.add_member((presented.org_id, user), invitation.role, presented.at);
        self.note(by, entries::joined(&invitation, user));
        Join::Joined
    }

    pub(super) fn register_invited(
        &mut self,
        new: NewAccount,
        presented: PresentedInvitation,
        by: By,
    ) -> Join {
        let Some(invitation) = self.invitation_for(presented, &new.email) else {
            return Join::NoInvitation;
        };
        if self.is_taken(&new) {
            return Join::Taken;
        }
        self.withdraw_invitation(presented.org_id, invitation.invitation_id);
        self.note(
            by,
            entries::registered(&new, presented.org_id, invitation.role),
        );
        self.add_person(NewAccount {
            org_id: presented.org_id,
            role: invitation.role,
            ..new
        });
        Join::Joined
    }

    fn invitation_for(
        &self,
        presented: PresentedInvitation,
        email: &str,
    ) -> Option<InvitationRecord> {
        let found = self.good_invitation(presented)?;
        let is_theirs = found.email.to_lowercase() == email.to_lowercase();
        is_theirs.then(|| found.clone())
    }
}
