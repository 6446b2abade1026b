//! Invitations into the organisation.

pub(crate) mod accept;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use runloom_accounts::Invitation;
use runloom_domain::{InvitationId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Size;

/// The longest token that is looked at.
pub(crate) const TOKEN: Size = Size::Chars(1, 200);

/// An invitation without its token.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(crate) struct ShownInvitation {
    #[schema(value_type = Uuid)]
    id: InvitationId,
    /// Whom it is for: nobody else can accept it.
    #[schema(example = "grace@example.com")]
    email: String,
    /// `owner`, `admin`, `member` or `viewer`
    #[schema(example = "member")]
    role: &'static str,
    #[schema(value_type = Uuid)]
    invited_by_user_id: UserId,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Invitation> for ShownInvitation {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.invitation_id,
            email: invitation.email,
            role: invitation.role.as_str(),
            invited_by_user_id: invitation.invited_by,
            expires_at: invitation.expires_at,
            created_at: invitation.created_at,
        }
    }
}
