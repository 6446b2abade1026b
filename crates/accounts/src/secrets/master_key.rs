use std::fmt;

use runloom_domain::OrgId;
use zeroize::Zeroizing;

use super::cipher::{self, NONCE, Sealed};
use super::place::unambiguous;
use super::plain_key::PlainKey;
use crate::derive::{derive, key_id};

/// The key that wraps data keys, derived from the installation's master secret, so that every
/// node has the same. Wiped when dropped.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// Derives the key from 32 bytes that nobody can guess. What else derives from them is of
    /// no use for this, nor this for that.
    pub fn derive(master: &[u8; 32]) -> Self {
        let key = Zeroizing::new(derive(master, "runloom data key wrapping key v1"));
        Self {
            id: key_id(&key),
            key,
        }
    }

    /// Names this key among those that came before and after it.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn wrap(&self, org: OrgId, key_version: u32, key: &PlainKey) -> Vec<u8> {
        let associated = self.associated(org, key_version);
        let Sealed { nonce, ciphertext } = cipher::seal(&self.key, &associated, key.expose());
        [&nonce[..], &ciphertext].concat()
    }

    /// The data key, if this key has wrapped it for this organisation and version.
    pub(super) fn unwrap(&self, org: OrgId, key_version: u32, wrapped: &[u8]) -> Option<PlainKey> {
        let (nonce, ciphertext) = wrapped.split_first_chunk::<NONCE>()?;
        let associated = self.associated(org, key_version);
        let bytes = cipher::open(&self.key, &associated, *nonce, ciphertext).ok()?;
        PlainKey::from_bytes(&bytes)
    }

    fn associated(&self, org: OrgId, key_version: u32) -> Vec<u8> {
        unambiguous(&[
            b"runloom data key v1",
            self.id.as_bytes(),
            org.as_uuid().as_bytes(),
            &key_version.to_be_bytes(),
        ])
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
