use std::time::Duration;

use runloom_domain::{InvitationId, OrgId, OrgRole, Permission};
use runloom_store::{
    Actor, By, Idempotency, InvitationRecord, Join, Once, Origin, Page, Paged, PresentedInvitation,
};

use super::OrgRefusal;
use super::invitation_token::{mint, presented};
use crate::check::Checks;
use crate::{AccountError, Accounts, Caller, Registered, Secret};

/// How long an invitation is good.
const LIFETIME: Duration = Duration::from_hours(24 * 7);

/// Somebody who shall be invited.
#[derive(Clone, Debug)]
pub struct InvitationRequest {
    /// Their e-mail address.
    pub email: String,
    /// What they shall be in the organisation.
    pub role: OrgRole,
}

/// An invitation as people see it; its token is gone.
pub type Invitation = InvitationRecord;

/// An invitation that has just been made.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The invitation.
    pub invitation: Invitation,
    /// Its token, which can't be had a second time.
    pub token: Secret,
}

/// What somebody has become by accepting an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The organisation that they belong to now.
    pub org_id: OrgId,
    /// What they are in it.
    pub role: OrgRole,
}

impl Accounts {
    /// Invites the owner of an e-mail address to the caller's organisation, for 7 days and in
    /// place of an earlier invitation for it. Whoever hands the token over does so by their own
    /// means: no mail is sent.
    ///
    /// `once` is given the invitation as it will be; the answer kept there can't hold the token.
    ///
    /// Fails with [`AccountError::Invalid`], naming `email`, with [`OrgRefusal::AboveOwnRole`],
    /// and with [`OrgRefusal::AlreadyMember`].
    pub async fn invite(
        &self,
        caller: &Caller,
        request: InvitationRequest,
        once: impl FnOnce(&Invitation) -> Option<Idempotency>,
    ) -> Result<Once<Invited>, AccountError> {
        caller.require(Permission::MembersManage)?;
        caller.require_within(request.role)?;
        let mut checks = Checks::default();
        checks.email(&request.email);
        checks.finish()?;
        let now = self.clock.now();
        let (token, hash) = mint(caller.org_id);
        let invitation = Invitation {
            invitation_id: InvitationId::generate(now),
            org_id: caller.org_id,
            email: request.email,
            role: request.role,
            invited_by: caller.user_id,
            expires_at: now + LIFETIME,
            created_at: now,
        };
        let once = once(&invitation);
        match self
            .orgs
            .invite(invitation.clone(), hash, once, caller.by(self.clock.now()))
            .await?
        {
            Once::Done(false) => Err(OrgRefusal::AlreadyMember.into()),
            invited => Ok(invited.map(|_| Invited { invitation, token })),
        }
    }

    /// The organisation's invitations that nobody has accepted, newest first.
    pub async fn invitations(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<Paged<Invitation>, AccountError> {
        caller.require(Permission::MembersManage)?;
        Ok(self.orgs.invitations(caller.org_id, page).await?)
    }

    /// Takes an invitation back.
    ///
    /// Fails with [`OrgRefusal::NoInvitation`].
    pub async fn withdraw_invitation(
        &self,
        caller: &Caller,
        id: InvitationId,
    ) -> Result<(), AccountError> {
        caller.require(Permission::MembersManage)?;
        if self
            .orgs
            .withdraw_invitation(caller.org_id, id, caller.by(self.clock.now()))
            .await?
        {
            Ok(())
        } else {
            Err(OrgRefusal::NoInvitation.into())
        }
    }

    async fn invitation_for(
        &self,
        presented: PresentedInvitation,
        email: &str,
    ) -> Result<Option<Invitation>, AccountError> {
        let found = self.orgs.invitation(presented).await?;
        let email = email.to_lowercase();
        Ok(found.filter(|invitation| invitation.email.to_lowercase() == email))
    }

    /// Makes the caller a member of the organisation that invites them.
    ///
    /// `once` is given what they will be. Fails with [`OrgRefusal::NoInvitation`] for any token
    /// that isn't good for this person now, with [`OrgRefusal::AlreadyMember`], and with
    /// [`OrgRefusal::PersonNeeded`].
    pub async fn accept_invitation(
        &self,
        caller: &Caller,
        token: &Secret,
        once: impl FnOnce(&Accepted) -> Option<Idempotency>,
    ) -> Result<Once<Accepted>, AccountError> {
        caller.require_person()?;
        let presented = presented(token.expose(), self.clock.now());
        let me = self.store.user(caller.org_id, caller.user_id).await?;
        let me = me.ok_or(AccountError::Unauthorized)?;
        let found = self.invitation_for(presented, &me.email).await?;
        let accepted = Accepted {
            org_id: presented.org_id,
            // Of an invitation that isn't there nothing is told.
            role: found.as_ref().map_or(OrgRole::Viewer, |found| found.role),
        };
        // Also when there is none any more: this may be a repeat of the request that used it up.
        let once = once(&accepted);
        let joined = self.orgs.accept_invitation(
            presented,
            caller.user_id,
            once,
            caller.by(self.clock.now()),
        );
        joined_as(joined.await?, accepted)
    }

    /// Registers a person as a member of the organisation that invites them, with no
    /// organisation of their own. Else like [`register`](Self::register); fails with
    /// [`OrgRefusal::NoInvitation`], after the same work, for any token that isn't good for this
    /// e-mail address now.
    pub async fn register_invited(
        &self,
        login: &str,
        email: &str,
        password: Secret,
        token: &Secret,
        origin: Origin,
        once: impl FnOnce(&Registered) -> Option<Idempotency>,
    ) -> Result<Once<Registered>, AccountError> {
        self.admit_registration(true)?;
        let mut new = self.new_account(login, email, password).await?;
        let (session, first) = self.new_session();
        new.session = Some(session);
        let presented = presented(token.expose(), self.clock.now());
        let registered = Registered {
            user_id: new.user_id,
            org_id: presented.org_id,
            tokens: self.first_tokens(presented.org_id, new.user_id, &first),
        };
        let once = once(&registered);
        let by = By::new(Actor::User(new.user_id), origin, new.created_at);
        let joined = self.orgs.register_invited(new, presented, once, by);
        joined_as(joined.await?, registered)
    }
}

fn joined_as<T>(joined: Once<Join>, outcome: T) -> Result<Once<T>, AccountError> {
    match joined {
        Once::Done(Join::NoInvitation) => Err(OrgRefusal::NoInvitation.into()),
        Once::Done(Join::Member) => Err(OrgRefusal::AlreadyMember.into()),
        Once::Done(Join::Taken) => Err(AccountError::Taken),
        joined => Ok(joined.map(|_| outcome)),
    }
}
