//! The three columns in which a secret stands.

use runloom_domain::EncryptedSecret;
use runloom_store::StoreError;

use super::unsigned;
use crate::failure::corrupt;
use crate::types::Id;

/// A secret as it is written: the ciphertext, its nonce, and the version of its data key.
pub(crate) type SecretColumns = (Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>);

/// The columns of a secret that may be absent.
pub(crate) fn columns(secret: Option<EncryptedSecret>) -> SecretColumns {
    match secret {
        Some(secret) => (
            Some(secret.ciphertext),
            Some(secret.nonce.to_vec()),
            Some(secret.key_version.into()),
        ),
        None => (None, None, None),
    }
}

/// The secret in the columns of a row.
pub(crate) fn read(
    table: &'static str,
    id: Id,
    columns: SecretColumns,
) -> Result<Option<EncryptedSecret>, StoreError> {
    let (Some(ciphertext), Some(nonce), Some(key_version)) = columns else {
        return Ok(None);
    };
    Ok(Some(EncryptedSecret {
        key_version: unsigned(table, "secret_key_version", id, key_version)?,
        nonce: nonce
            .try_into()
            .map_err(|_| corrupt(table, "secret_nonce", id, "it has not 12 bytes"))?,
        ciphertext,
    }))
}
