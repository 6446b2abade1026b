//! Keys out of other keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key for one purpose out of a uniformly random one: HMAC as a pseudo-random function, which
/// is what HKDF's expand step comes to for one block.
pub(crate) fn derive(secret: &[u8; 32], label: &str) -> [u8; 32] {
    keyed_hash(secret, label.as_bytes())
}

/// HMAC-SHA256.
pub(crate) fn keyed_hash(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// The name of a key, 12 characters. It tells nothing about the key: it is derived, not cut
/// from it.
pub(crate) fn key_id(key: &[u8; 32]) -> String {
    let name = derive(key, "runloom key id v1");
    URL_SAFE_NO_PAD.encode(&name[..9])
}
