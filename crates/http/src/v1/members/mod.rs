//! Members of the organisation: people and service accounts.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use runloom_accounts::Member;
use runloom_domain::{Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A member of the organisation.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct ShownMember {
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The name to log in with; of a service account its name.
    #[schema(example = "ada")]
    login: String,
    /// Null for service accounts.
    #[schema(required, example = "ada@example.com")]
    email: Option<String>,
    /// `owner`, `admin`, `member` or `viewer`
    #[schema(example = "member")]
    role: &'static str,
    /// `person` or `service`
    #[schema(example = "person")]
    kind: &'static str,
    /// Since when it belongs to the organisation.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Member> for ShownMember {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user_id,
            login: member.login,
            email: member.email,
            role: member.role.as_str(),
            kind: member.kind.as_str(),
            created_at: member.created_at,
        }
    }
}
