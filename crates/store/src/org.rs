use async_trait::async_trait;
use runloom_domain::{
    InvitationId, OrgId, OrgRole, RunId, RunVisibility, Timestamp, UserId, UserKind,
};

use crate::{By, Idempotency, NewAccount, Once, Page, Paged, StoreError, Update};

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgRecord {
    /// Its id.
    pub org_id: OrgId,
    /// What people call it.
    pub name: String,
    /// Whose runs its members see who don't manage it.
    pub run_visibility: RunVisibility,
    /// For how many days the events of its runs are kept; 0 is for ever, `None` what the
    /// deployment says.
    pub event_retention_days: Option<u32>,
    /// Grows with each change that its members make to it.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An organisation to be made by a person, who becomes its owner.
#[derive(Clone, Debug)]
pub struct NewOrg {
    /// Its id.
    pub org_id: OrgId,
    /// What people call it.
    pub name: String,
    /// The person.
    pub owner: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// What to change of an organisation; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrgPatch {
    /// What people call it.
    pub name: Option<String>,
    /// Whose runs its members see who don't manage it.
    pub run_visibility: Option<RunVisibility>,
}

/// An organisation of a person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedOrg {
    /// The organisation.
    pub org: OrgRecord,
    /// What the person is in it.
    pub role: OrgRole,
}

/// A member of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// The person or service account.
    pub user_id: UserId,
    /// The name to log in with; of a service account its name.
    pub login: String,
    /// The e-mail address; service accounts have none.
    pub email: Option<String>,
    /// Which of the two it is.
    pub kind: UserKind,
    /// What it is in the organisation.
    pub role: OrgRole,
    /// Since when it belongs to the organisation.
    pub created_at: Timestamp,
}

/// A service account to be made.
#[derive(Clone, Debug)]
pub struct NewService {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub user_id: UserId,
    /// What people call it.
    pub name: String,
    /// What it is in the organisation.
    pub role: OrgRole,
    /// When.
    pub created_at: Timestamp,
}

/// What to change of a member; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct MemberPatch {
    /// What it is in the organisation.
    pub role: Option<OrgRole>,
    /// What people call it; for service accounts only.
    pub name: Option<String>,
}

/// What became of a change to the members of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeMember<T> {
    /// It has happened.
    Done(T),
    /// There is no such member.
    Absent,
    /// The member stands above who wants to change it.
    Above,
    /// No person would be left who owns the organisation.
    LastOwner,
}

/// An invitation as it is kept; its token is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Its id.
    pub invitation_id: InvitationId,
    /// Where it leads.
    pub org_id: OrgId,
    /// Whom it is for.
    pub email: String,
    /// What they shall be in the organisation.
    pub role: OrgRole,
    /// Who invites.
    pub invited_by: UserId,
    /// From when on it is good for nothing.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An invitation that somebody presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedInvitation {
    /// Where it leads.
    pub org_id: OrgId,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// When it is presented.
    pub at: Timestamp,
}

/// What became of somebody who wanted to join an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// They are a member of it.
    Joined,
    /// There is no such invitation, or none for them, or none any more.
    NoInvitation,
    /// They were a member before; the invitation stays.
    Member,
    /// Somebody has this login or e-mail address.
    Taken,
}

/// Organisations, who belongs to them, and who shall.
#[async_trait]
pub trait OrgStore: Send + Sync + 'static {
    /// Makes an organisation with its owner. The idempotency key belongs to no organisation.
    async fn create_org(
        &self,
        new: NewOrg,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError>;

    /// An organisation.
    async fn org(&self, org: OrgId) -> Result<Option<OrgRecord>, StoreError>;

    /// The organisations that a person belongs to, the youngest first.
    async fn orgs_of(&self, user: UserId, page: Page) -> Result<Paged<JoinedOrg>, StoreError>;

    /// Changes an organisation that has the version `expected`.
    async fn update_org(
        &self,
        org: OrgId,
        expected: u64,
        patch: OrgPatch,
        by: By,
    ) -> Result<Update<OrgRecord>, StoreError>;

    /// A member.
    async fn member(&self, org: OrgId, user: UserId) -> Result<Option<MemberRecord>, StoreError>;

    /// The members, or those of one kind, who came last first.
    async fn members(
        &self,
        org: OrgId,
        kind: Option<UserKind>,
        page: Page,
    ) -> Result<Paged<MemberRecord>, StoreError>;

    /// Makes a service account. It has no names by which anybody could log in.
    async fn create_service(
        &self,
        new: NewService,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError>;

    /// Changes a member on behalf of somebody with the role `rank`. A member whose role gets lower
    /// has invited nobody any more.
    async fn change_member(
        &self,
        org: OrgId,
        user: UserId,
        patch: MemberPatch,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<MemberRecord>, StoreError>;

    /// Removes a member on behalf of somebody with the role `rank`, with its API keys of the
    /// organisation and the invitations that it has made. A person who belongs to no other one
    /// gives up their login and e-mail address: they may register anew.
    async fn remove_member(
        &self,
        org: OrgId,
        user: UserId,
        rank: OrgRole,
        by: By,
    ) -> Result<ChangeMember<()>, StoreError>;

    /// Stores an invitation by the SHA-256 of its token, in place of one for the same e-mail
    /// address. False, and nothing written, when a member has this address.
    async fn invite(
        &self,
        new: InvitationRecord,
        token_hash: [u8; 32],
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError>;

    /// The invitation that somebody presents, if it is good at that moment.
    async fn invitation(
        &self,
        presented: PresentedInvitation,
    ) -> Result<Option<InvitationRecord>, StoreError>;

    /// The invitations that nobody has accepted, newest first; also those that have expired.
    async fn invitations(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<InvitationRecord>, StoreError>;

    /// Takes an invitation back; false when there is none.
    async fn withdraw_invitation(
        &self,
        org: OrgId,
        invitation: InvitationId,
        by: By,
    ) -> Result<bool, StoreError>;

    /// Makes a person a member by an invitation for their e-mail address, which is used up by
    /// that. The idempotency key belongs to the invitation's organisation.
    async fn accept_invitation(
        &self,
        presented: PresentedInvitation,
        user: UserId,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError>;

    /// Registers a person as a member of the organisation that invites them, with the role that
    /// the invitation says; the account's own organisation and role don't count. The idempotency
    /// key belongs to no organisation.
    async fn register_invited(
        &self,
        new: NewAccount,
        presented: PresentedInvitation,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Join>, StoreError>;

    /// Those of some runs that a person has created.
    async fn runs_created_by(
        &self,
        org: OrgId,
        user: UserId,
        runs: Vec<RunId>,
    ) -> Result<Vec<RunId>, StoreError>;
}
