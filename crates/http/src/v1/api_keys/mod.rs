//! API keys.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use runloom_accounts::ApiKey;
use runloom_domain::{ApiKeyId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// An API key without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownKey {
    #[schema(value_type = Uuid)]
    id: ApiKeyId,
    /// Its owner.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    name: String,
    /// How its text begins.
    #[schema(example = "rl_3fG7kQ2x")]
    prefix: String,
    /// What it may do, as far as its owner may.
    scopes: Vec<String>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// To the minute or so.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<ApiKey> for ShownKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.api_key_id,
            user_id: key.user_id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}
