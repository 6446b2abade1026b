//! Credentials of model providers. Their secrets go in and never come out.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
mod key;
pub(crate) mod list;
pub(crate) mod test;
pub(crate) mod update;

use runloom_domain::{CredentialId, OrgId, Timestamp, UserId};
use runloom_store::CredentialRecord;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::Size;

/// What people call it, in characters.
const NAME: Size = Size::Chars(1, 100);
/// The longest base URL.
const URL: Size = Size::Bytes(1, 2_000);

/// A credential without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Credential {
    #[schema(value_type = Uuid)]
    id: CredentialId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    /// The kind of routes that it is for.
    #[schema(example = "openai_chat")]
    provider: String,
    name: String,
    /// Where the provider is reached, when not at its usual address.
    #[schema(required)]
    base_url: Option<String>,
    /// Whether it has a key.
    has_key: bool,
    /// How the key begins; null for one that is too short to show anything of it.
    #[schema(required, example = "sk-a1b")]
    key_prefix: Option<String>,
    /// Raised by each change; the ETag.
    version: u64,
    #[schema(value_type = Uuid)]
    created_by_user_id: UserId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<CredentialRecord> for Credential {
    fn from(record: CredentialRecord) -> Self {
        let key = record.settings.key;
        Self {
            id: record.credential_id,
            org_id: record.org_id,
            provider: record.provider,
            name: record.settings.name,
            base_url: record.settings.base_url,
            has_key: key.is_some(),
            key_prefix: key.and_then(|key| key.prefix),
            version: record.version,
            created_by_user_id: record.created_by,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("credentials.not_found", "there is no such credential")
}
