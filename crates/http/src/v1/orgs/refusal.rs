use actix_web::http::StatusCode;
use runloom_accounts::OrgRefusal;

use crate::error::ApiError;

impl From<OrgRefusal> for ApiError {
    fn from(refusal: OrgRefusal) -> Self {
        let forbidden = |code, message| Self::new(StatusCode::FORBIDDEN, code, message);
        match refusal {
            OrgRefusal::PersonNeeded => forbidden(
                "auth.person_needed",
                "only a person who has signed in may do this, not an API key",
            ),
            OrgRefusal::AboveOwnRole => forbidden(
                "members.role_above_own",
                "the role, or whoever has it now, is above your own role",
            ),
            OrgRefusal::LastOwner => Self::conflict(
                "members.last_owner",
                "a person must be left who owns the organisation",
            ),
            OrgRefusal::NoMember => Self::not_found("members.not_found", "there is no such member"),
            OrgRefusal::NoService => Self::not_found(
                "service_accounts.not_found",
                "there is no such service account",
            ),
            OrgRefusal::NoInvitation => Self::not_found(
                "invitations.not_found",
                "there is no such invitation, or none for you, or not any more",
            ),
            OrgRefusal::AlreadyMember => Self::conflict(
                "members.already_member",
                "the organisation has this member already",
            ),
        }
    }
}
