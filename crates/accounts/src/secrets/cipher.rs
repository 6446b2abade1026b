//! AES-256-GCM.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::error::Unspecified;
use zeroize::Zeroizing;

use crate::random;

/// Bytes of a nonce. They are random: with 2^32 messages under one key, the chance that two
/// share a nonce is 2^-32 (NIST SP 800-38D, section 8.3), and no organisation has that many.
pub(super) const NONCE: usize = 12;

/// What was encrypted under one nonce, with its tag.
pub(super) struct Sealed {
    pub(super) nonce: [u8; NONCE],
    pub(super) ciphertext: Vec<u8>,
}

/// It isn't what was sealed: another key or other associated data, or it has been changed.
#[derive(Debug, thiserror::Error)]
#[error("the ciphertext is not authentic")]
pub(super) struct NotAuthentic;

/// Encrypts `text`, and authenticates `associated` with it.
pub(super) fn seal(key: &[u8; 32], associated: &[u8], text: &[u8]) -> Sealed {
    let nonce = random::bytes::<NONCE>();
    let mut ciphertext = text.to_vec();
    let tag = cipher(key).seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(associated),
        &mut ciphertext,
    );
    let tag = tag.unwrap_or_else(|Unspecified| unreachable!("a secret is shorter than 64 GiB"));
    // The text is overwritten by now, so it doesn't matter when this moves the bytes.
    ciphertext.extend_from_slice(tag.as_ref());
    Sealed { nonce, ciphertext }
}

/// Decrypts what [`seal`] has made of the same key and associated data.
pub(super) fn open(
    key: &[u8; 32],
    associated: &[u8],
    nonce: [u8; NONCE],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let length = cipher(key)
        .open_in_place(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            &mut text,
        )
        .map_err(|Unspecified| NotAuthentic)?
        .len();
    text.truncate(length);
    Ok(text)
}

/// Expanding a key takes less than a microsecond, so no expanded one is kept: the library
/// doesn't wipe it.
fn cipher(key: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key);
    LessSafeKey::new(key.unwrap_or_else(|Unspecified| unreachable!("32 bytes are a key")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_opens() {
        let (key, text) = ([1; 32], b"correct horse");
        let sealed = seal(&key, b"here", text);
        assert_eq!(sealed.ciphertext.len(), text.len() + 16);
        let opens = |key: &[u8; 32], associated: &[u8], nonce, ciphertext: &[u8]| {
            open(key, associated, nonce, ciphertext)
                .ok()
                .map(|text| text.to_vec())
        };
        let (nonce, good) = (sealed.nonce, &sealed.ciphertext[..]);
        assert_eq!(opens(&key, b"here", nonce, good), Some(text.to_vec()));
        assert_eq!(opens(&[2; 32], b"here", nonce, good), None);
        assert_eq!(opens(&key, b"there", nonce, good), None);
        assert_eq!(opens(&key, b"here", [0; NONCE], good), None);
        for at in 0..good.len() {
            let mut changed = good.to_vec();
            changed[at] ^= 1;
            assert_eq!(opens(&key, b"here", nonce, &changed), None, "byte {at}");
        }
        for length in 0..good.len() {
            assert_eq!(opens(&key, b"here", nonce, &good[..length]), None);
        }
    }

    #[test]
    fn nothing_is_sealed_twice_alike() {
        let (one, other) = (seal(&[1; 32], b"", b"same"), seal(&[1; 32], b"", b"same"));
        assert_ne!(one.nonce, other.nonce);
        assert_ne!(one.ciphertext, other.ciphertext);
    }

    #[test]
    fn the_cipher_is_aes_256_gcm() {
        // Test case 14 of the specification of GCM: zeros everywhere.
        let ciphertext = [
            0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3,
            0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5,
            0xd4, 0x8a, 0xb9, 0x19,
        ];
        let text = open(&[0; 32], b"", [0; NONCE], &ciphertext).unwrap();
        assert_eq!(text[..], [0; 16]);
    }
}
