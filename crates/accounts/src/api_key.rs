//! The text form of an API key: `rl_`, 8 letters or digits, `_`, and 43 characters of base64url.
//!
//! The secret part may itself contain `_`, so the parts are found by their places.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Secret, random};

const PREFIX: &str = "rl_";
const PUBLIC_ID: usize = 8;
const SECRET: usize = 43;
/// Where the secret begins: after the second `_`.
const SECRET_AT: usize = PREFIX.len() + PUBLIC_ID + 1;

/// A new API key, its parts apart.
pub(crate) struct MintedKey {
    /// By which it is found.
    pub(crate) public_id: String,
    /// What is stored.
    pub(crate) secret_hash: [u8; 32],
    /// The whole, which its owner gets to see once.
    pub(crate) text: Secret,
}

/// Makes a new key of 256 random bits.
pub(crate) fn mint() -> MintedKey {
    let (public_id, secret) = (random::alphanumeric(PUBLIC_ID), random::base64url_256());
    MintedKey {
        secret_hash: Sha256::digest(&secret).into(),
        text: format!("{PREFIX}{public_id}_{secret}").into(),
        public_id,
    }
}

/// Whether a bearer credential is meant to be an API key. No JWT begins like this.
pub(crate) fn is_meant(credential: &str) -> bool {
    credential.starts_with(PREFIX)
}

/// The beginning of a key that may be shown, by which people tell their keys apart.
pub(crate) fn shown_prefix(public_id: &str) -> String {
    format!("{PREFIX}{public_id}")
}

/// A key that somebody presented.
pub(crate) struct PresentedKey<'a> {
    /// By which it is found.
    pub(crate) public_id: &'a str,
    secret: &'a str,
}

impl<'a> PresentedKey<'a> {
    /// Reads the text form; `None` when it isn't one.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.len() != SECRET_AT + SECRET || !text.is_ascii() {
            return None;
        }
        let rest = text.strip_prefix(PREFIX)?;
        let (public_id, rest) = rest.split_at(PUBLIC_ID);
        let secret = rest.strip_prefix('_')?;
        let is_base64url = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        (public_id.bytes().all(|b| b.is_ascii_alphanumeric()) && secret.bytes().all(is_base64url))
            .then_some(Self { public_id, secret })
    }

    /// Whether the secret is the stored one, found out in constant time.
    pub(crate) fn fits(&self, secret_hash: &[u8; 32]) -> bool {
        let presented: [u8; 32] = Sha256::digest(self.secret).into();
        presented.ct_eq(secret_hash).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_key_is_read_back() {
        let minted = mint();
        let key = PresentedKey::parse(minted.text.expose()).unwrap();
        assert_eq!(key.public_id, minted.public_id);
        assert!(key.fits(&minted.secret_hash));
        assert!(!key.fits(&mint().secret_hash));
        assert_eq!(minted.text.expose().len(), 55);
    }

    #[test]
    fn underscores_in_the_secret_are_part_of_it() {
        let secret = "_a__________________________________-______";
        let text = format!("rl_Abc12345_{secret}");
        let key = PresentedKey::parse(&text).unwrap();
        assert_eq!((key.public_id, key.secret), ("Abc12345", secret));
    }

    #[test]
    fn anything_else_is_refused() {
        let good = format!("rl_Abc12345_{}", "x".repeat(43));
        assert!(PresentedKey::parse(&good).is_some());
        for bad in [
            String::new(),
            "rl_".to_owned(),
            good[..54].to_owned(),
            format!("{good}x"),
            good.replacen("rl_", "rk_", 1),
            good.replacen("5_", "5-", 1),
            good.replacen("Abc", "A_c", 1),
            good.replace("xxx", "x=x"),
            good.replace("xxx", "x\0x"),
            // Three bytes in two characters, across the border of the parts.
            format!("rl_Abc1234é{}", "x".repeat(44)),
        ] {
            assert!(PresentedKey::parse(&bad).is_none(), "{bad:?}");
        }
    }
}
