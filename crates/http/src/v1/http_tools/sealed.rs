//! The secrets of a tool on their way into the store.

use runloom_accounts::{Place, Secret};
use runloom_domain::{EncryptedSecret, HttpToolId, OrgId};
use runloom_store::{SecretColumn, SecretHeader};

use super::said::{Said, Secrets};
use crate::error::ApiError;
use crate::state::HttpState;

/// Encrypts what is said of a tool's secrets for its row.
pub(super) async fn sealed(
    state: &HttpState,
    org: OrgId,
    tool: HttpToolId,
    said: &Said,
) -> Result<Secrets, ApiError> {
    let row = tool.to_string();
    let header = match &said.secret_header {
        Some(Some(header)) => Some(Some(SecretHeader {
            name: header.name.clone(),
            value: seal(
                state,
                org,
                Place::of(SecretColumn::HttpTool, &row),
                &header.value,
            )
            .await?,
        })),
        Some(None) => Some(None),
        None => None,
    };
    let signing = match &said.signing_secret {
        Some(secret) => Some(
            seal(
                state,
                org,
                Place::of(SecretColumn::HttpToolSigning, &row),
                secret,
            )
            .await?,
        ),
        None => None,
    };
    Ok(Secrets { header, signing })
}

async fn seal(
    state: &HttpState,
    org: OrgId,
    place: Place<'_>,
    secret: &Secret,
) -> Result<EncryptedSecret, ApiError> {
    state
        .read(state.configuring().sealed(org, place, secret))
        .await
}
