use std::sync::Arc;

use async_trait::async_trait;
use runloom_accounts::{Place, Vault, VaultError};
use runloom_domain::{OrgId, Route};
use runloom_models::{ApiKey, Endpoint, Endpoints, EndpointsError, UrlOwner};
use runloom_store::{CredentialRecord, SecretColumn};
use runloom_store_sql::Database;

/// The endpoints of organisations' own routes, from their credentials. They are read and
/// decrypted for each call, so that a key that is replaced is used at once on every node.
pub(crate) struct OwnEndpoints {
    pub(crate) store: Arc<dyn Database>,
    pub(crate) vault: Arc<Vault>,
}

#[async_trait]
impl Endpoints for OwnEndpoints {
    async fn endpoint(
        &self,
        org_id: OrgId,
        route: &Route,
    ) -> Result<Option<Endpoint>, EndpointsError> {
        let Some(id) = route.credential_id else {
            return Ok(None);
        };
        let found = self.store.credential(org_id, id).await;
        let found = found.map_err(|error| EndpointsError::Unavailable(error.into()))?;
        match found {
            Some(credential) => Ok(Some(open(&self.vault, &credential).await?)),
            None => Err(EndpointsError::Unusable(
                "the credential of the route was deleted".to_owned(),
            )),
        }
    }
}

/// Where a credential leads, with its key decrypted.
pub(crate) async fn open(
    vault: &Vault,
    credential: &CredentialRecord,
) -> Result<Endpoint, EndpointsError> {
    let settings = &credential.settings;
    let api_key = match &settings.key {
        Some(key) => {
            let row = credential.credential_id.to_string();
            let opened = vault
                .open(
                    credential.org_id,
                    Place::of(SecretColumn::Credential, &row),
                    &key.secret,
                )
                .await;
            Some(ApiKey::new(opened.map_err(unreadable)?.expose()))
        }
        None => None,
    };
    Ok(Endpoint {
        base_url: settings.base_url.clone(),
        url_owner: UrlOwner::Tenant,
        api_key,
    })
}

fn unreadable(error: VaultError) -> EndpointsError {
    match error {
        VaultError::Store(error) => EndpointsError::Unavailable(error.into()),
        other => {
            tracing::error!(error = %other, "a credential can't be decrypted");
            EndpointsError::Unusable("the key of the credential can't be decrypted".to_owned())
        }
    }
}
