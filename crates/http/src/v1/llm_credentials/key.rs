//! A provider's key on its way into the store.

use runloom_accounts::{Place, Secret, VaultError};

use runloom_domain::{CredentialId, OrgId};
use runloom_store::{SecretColumn, StoredKey};

use crate::error::ApiError;
use crate::extract::Fields;
use crate::state::HttpState;
use crate::v1::secret;

/// The longest key, in bytes.
const MAX_KEY: usize = 4 * 1024;
/// Keys from this length on show how they begin, and how many characters of it.
const SHOWN: [(usize, usize); 2] = [(32, 6), (20, 4)];

/// The body's key. It ends up in a header, so it is of visible ASCII.
pub(super) fn api_key(fields: &mut Fields) -> Option<Secret> {
    secret::visible(fields, "api_key", (1, MAX_KEY))
}

/// Encrypts a key for the row that it is to stand in.
pub(super) async fn sealed(
    state: &HttpState,
    org: OrgId,
    credential: CredentialId,
    key: &Secret,
) -> Result<StoredKey, ApiError> {
    let row = credential.to_string();
    let place = Place::of(SecretColumn::Credential, &row);
    let vault = state.configuring().vault.clone();
    let secret = state.read(vault.seal(org, place, key)).await?;
    Ok(StoredKey {
        secret,
        prefix: prefix(key.expose()),
    })
}

fn prefix(key: &str) -> Option<String> {
    let shown = SHOWN.iter().find(|(length, _)| key.len() >= *length);
    shown.map(|(_, shown)| key[..*shown].to_owned())
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_shows_nothing() {
        let shown = |length: usize| prefix(&"k".repeat(length)).map_or(0, |prefix| prefix.len());
        assert_eq!([1, 19, 20, 31, 32, 164].map(shown), [0, 0, 4, 4, 6, 6]);
    }
}
