use runloom_store::ChangeMember;

use crate::AccountError;

/// Why something about an organisation could not be done; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrgRefusal {
    /// Only a person who has signed in may do this.
    #[error("only a person who has signed in may do this")]
    PersonNeeded,
    /// The role is above the caller's own, or the member's is.
    #[error("the role is above the caller's own")]
    AboveOwnRole,
    /// No person would be left who owns the organisation.
    #[error("the last owner of the organisation must stay")]
    LastOwner,
    /// There is no such member.
    #[error("there is no such member")]
    NoMember,
    /// There is no such service account.
    #[error("there is no such service account")]
    NoService,
    /// There is no such invitation, or not for this caller, or not any more.
    #[error("there is no such invitation")]
    NoInvitation,
    /// Who is to join is a member.
    #[error("they are a member already")]
    AlreadyMember,
}

impl From<OrgRefusal> for AccountError {
    fn from(refusal: OrgRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a change has come to; `absent` when there is no such member.
pub(super) fn changed<T>(change: ChangeMember<T>, absent: OrgRefusal) -> Result<T, OrgRefusal> {
    match change {
        ChangeMember::Done(value) => Ok(value),
        ChangeMember::Absent => Err(absent),
        ChangeMember::Above => Err(OrgRefusal::AboveOwnRole),
        ChangeMember::LastOwner => Err(OrgRefusal::LastOwner),
    }
}
