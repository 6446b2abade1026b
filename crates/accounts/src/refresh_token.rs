//! Refresh tokens: opaque texts that are known by their hashes.
//!
//! `rlr_` and 86 characters of base64url: the session's id, a secret of 256 bits, and a tag that
//! shows that this installation made the token. So a guess never reaches the store, and a token
//! of any age that comes back is known for one of ours, although nothing of it was kept.
//!
//! The first secret of a session is random. Each further one is the HMAC of the token before it:
//! whoever is asked twice for the successor of the same token, on whichever node, finds the same,
//! and the store needs only its hash to tell whether that is still the session's token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runloom_domain::SessionId;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::derive::{derive, keyed_hash};
use crate::{Secret, random};

const PREFIX: &str = "rlr_";
const ID: usize = 16;
const SECRET: usize = 32;
const TAG: usize = 16;
const LENGTH: usize = ID + SECRET + TAG;

/// A refresh token that this installation has made.
pub(crate) struct RefreshToken {
    session_id: SessionId,
    bytes: Zeroizing<[u8; LENGTH]>,
}

impl RefreshToken {
    fn new(session_id: SessionId, secret: &[u8; SECRET], key: &RefreshKey) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        bytes[..ID].copy_from_slice(session_id.as_uuid().as_bytes());
        bytes[ID..ID + SECRET].copy_from_slice(secret);
        let tag = key.tag(&bytes[..ID + SECRET]);
        bytes[ID + SECRET..].copy_from_slice(&tag);
        Self { session_id, bytes }
    }

    /// The session that it is of.
    pub(crate) const fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// By what the store knows it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.bytes.as_slice()).into()
    }

    /// What its owner is given.
    pub(crate) fn text(&self) -> Secret {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.bytes.as_slice())).into()
    }
}

/// The keys of refresh tokens: the first makes them, all of them know them again.
#[derive(Clone)]
pub(crate) struct RefreshKeys(Vec<RefreshKey>);

#[derive(Clone)]
struct RefreshKey {
    tags: [u8; 32],
    successors: [u8; 32],
}

impl RefreshKey {
    fn tag(&self, message: &[u8]) -> [u8; TAG] {
        let mac = keyed_hash(&self.tags, message);
        std::array::from_fn(|at| mac[at])
    }
}

impl RefreshKeys {
    pub(crate) fn derive(master: &[u8; 32]) -> Self {
        Self(vec![RefreshKey {
            tags: derive(master, "runloom refresh token tag key v1"),
            successors: derive(master, "runloom refresh token successor key v1"),
        }])
    }

    /// Knows also what was made by other keys.
    pub(crate) fn extend(&mut self, previous: Self) {
        self.0.extend(previous.0);
    }

    /// The first token of a session.
    pub(crate) fn first(&self, session_id: SessionId) -> RefreshToken {
        let secret = Zeroizing::new(random::bytes());
        RefreshToken::new(session_id, &secret, &self.0[0])
    }

    /// The token that takes the place of another: first by today's key, then as it would have
    /// been by those of before.
    pub(crate) fn successors(&self, of: &RefreshToken) -> impl Iterator<Item = RefreshToken> {
        self.0.iter().map(|key| {
            let secret = Zeroizing::new(keyed_hash(&key.successors, of.bytes.as_slice()));
            RefreshToken::new(of.session_id, &secret, key)
        })
    }

    /// Reads a text that somebody presents; `None` unless we have made it.
    pub(crate) fn read(&self, text: &Secret) -> Option<RefreshToken> {
        let encoded = text.expose().strip_prefix(PREFIX)?;
        let mut bytes = Zeroizing::new([0; LENGTH]);
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, bytes.as_mut_slice());
        if length.ok()? != LENGTH {
            return None;
        }
        let (message, tag) = bytes.split_at(ID + SECRET);
        let fits = |key: &RefreshKey| bool::from(key.tag(message).ct_eq(tag));
        if !self.0.iter().any(fits) {
            return None;
        }
        let session_id = SessionId::from_uuid(Uuid::from_slice(&message[..ID]).ok()?);
        Some(RefreshToken { session_id, bytes })
    }
}

#[cfg(test)]
mod tests {
    use runloom_domain::Timestamp;

    use super::*;

    fn keys() -> RefreshKeys {
        RefreshKeys::derive(&[7; 32])
    }

    fn successor(keys: &RefreshKeys, of: &RefreshToken) -> RefreshToken {
        keys.successors(of).next().unwrap()
    }

    #[test]
    fn every_node_finds_the_same_successor() {
        let session = SessionId::generate(Timestamp::from_micros(1_767_225_600_000_000));
        let first = keys().first(session);
        assert_ne!(first.hash(), keys().first(session).hash());
        let text = first.text();
        assert_eq!((text.expose().len(), &text.expose()[..4]), (90, "rlr_"));
        let read = keys().read(&text).unwrap();
        assert_eq!((read.session_id(), read.hash()), (session, first.hash()));
        let second = successor(&keys(), &read);
        assert_eq!(second.hash(), successor(&keys(), &first).hash());
        assert_ne!(second.hash(), first.hash());
        let third = successor(&keys(), &keys().read(&second.text()).unwrap());
        assert_ne!(third.hash(), successor(&keys(), &first).hash());
    }

    #[test]
    fn what_we_have_not_made_is_not_read() {
        let session = SessionId::generate(Timestamp::from_micros(1_767_225_600_000_000));
        let token = keys().first(session).text();
        let text = token.expose();
        let stranger = RefreshKeys::derive(&[8; 32]);
        assert!(stranger.read(&token).is_none());
        for at in [4, 30, 70, 88] {
            let flip = if &text[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{flip}{}", &text[..at], &text[at + 1..]);
            assert!(keys().read(&changed.into()).is_none(), "{at}");
        }
        for bad in [
            "",
            "rlr_",
            &text[4..],
            &text[..89],
            &format!("{text}A"),
            &format!("{text}="),
            "rlr_é",
        ] {
            assert!(keys().read(&bad.into()).is_none(), "{bad}");
        }
    }

    #[test]
    fn tokens_outlive_a_change_of_the_master_secret() {
        let session = SessionId::generate(Timestamp::from_micros(1_767_225_600_000_000));
        let old = keys().first(session);
        let mut changed = RefreshKeys::derive(&[8; 32]);
        changed.extend(keys());
        let read = changed.read(&old.text()).unwrap();
        let successors: Vec<[u8; 32]> = changed.successors(&read).map(|t| t.hash()).collect();
        assert_eq!(successors.len(), 2);
        assert_eq!(successors[1], successor(&keys(), &old).hash());
    }
}
