//! Service accounts: members that are programs, with API keys and no login.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use runloom_accounts::ServiceAccount;
use runloom_domain::{Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A service account.
#[derive(Serialize, ToSchema)]
#[schema(as = ServiceAccount)]
pub(crate) struct ShownService {
    /// The `user_id` under which it is a member, and for which API keys are made.
    #[schema(value_type = Uuid)]
    id: UserId,
    #[schema(example = "nightly-reports")]
    name: String,
    /// `owner`, `admin`, `member` or `viewer`
    #[schema(example = "member")]
    role: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<ServiceAccount> for ShownService {
    fn from(account: ServiceAccount) -> Self {
        Self {
            id: account.user_id,
            name: account.name,
            role: account.role.as_str(),
            created_at: account.created_at,
        }
    }
}
