use std::collections::HashMap;
use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey};

use super::TokenKind;
use crate::derive::{derive, key_id};
use crate::refresh_token::RefreshKeys;

/// The keys that tokens are signed with, derived from the installation's master secret, so
/// that every node has the same.
///
/// To change the master secret, first every node learns the new one by
/// [`also_accepting`](Self::also_accepting), then it signs and the old one is accepted so until
/// access tokens have ended, 15 minutes. Refresh tokens that were made under the old one stop
/// working when it is dropped, so after 30 days nobody has to sign in again.
#[derive(Clone)]
pub struct TokenKeys {
    access: KeyRing,
    ticket: KeyRing,
    refresh: RefreshKeys,
    fingerprint: [u8; 32],
}

impl TokenKeys {
    /// Derives the keys from 32 bytes that nobody can guess.
    pub fn derive(master: &[u8; 32]) -> Self {
        Self {
            access: KeyRing::derive(master, "access token"),
            ticket: KeyRing::derive(master, "event ticket"),
            refresh: RefreshKeys::derive(master),
            fingerprint: derive(master, "runloom fingerprint key v1"),
        }
    }

    /// Goes on accepting what was signed under another master secret.
    #[must_use]
    pub fn also_accepting(mut self, previous: &[u8; 32]) -> Self {
        let previous = Self::derive(previous);
        self.access.accepted.extend(previous.access.accepted);
        self.ticket.accepted.extend(previous.ticket.accepted);
        self.refresh.extend(previous.refresh);
        self
    }

    /// Access tokens of `issuer`.
    pub(crate) fn access(&self, issuer: &str) -> TokenKind {
        TokenKind::new("at+jwt", "runloom-api", issuer, self.access.clone())
    }

    /// Refresh tokens.
    pub(crate) fn refresh(&self) -> RefreshKeys {
        self.refresh.clone()
    }

    /// The key of fingerprints.
    pub(crate) const fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Tickets of `issuer`.
    pub(crate) fn ticket(&self, issuer: &str) -> TokenKind {
        TokenKind::new("ticket+jwt", "runloom-events", issuer, self.ticket.clone())
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKeys(…)")
    }
}

/// The keys of one kind of token by their `kid`: one signs, all of them verify.
#[derive(Clone)]
pub(super) struct KeyRing {
    signing_kid: String,
    signing: EncodingKey,
    accepted: HashMap<String, DecodingKey>,
}

impl KeyRing {
    fn derive(master: &[u8; 32], purpose: &str) -> Self {
        let key = derive(master, &format!("runloom {purpose} key v1"));
        let kid = key_id(&key);
        Self {
            signing: EncodingKey::from_secret(&key),
            accepted: HashMap::from([(kid.clone(), DecodingKey::from_secret(&key))]),
            signing_kid: kid,
        }
    }

    /// The key that signs, and its `kid`.
    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.signing_kid, &self.signing)
    }

    /// The key called `kid`.
    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.accepted.get(kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_with_one_secret_agree_and_purposes_differ() {
        let (one, other) = (TokenKeys::derive(&[1; 32]), TokenKeys::derive(&[1; 32]));
        assert_eq!(one.access.signing_kid, other.access.signing_kid);
        assert_eq!(
            one.access.signing.as_bytes(),
            other.access.signing.as_bytes()
        );
        assert_ne!(one.access.signing_kid, one.ticket.signing_kid);
        assert_ne!(one.access.signing.as_bytes(), one.ticket.signing.as_bytes());
        let stranger = TokenKeys::derive(&[2; 32]);
        assert_ne!(one.access.signing_kid, stranger.access.signing_kid);
        assert_eq!(format!("{one:?}"), "TokenKeys(…)");
    }
}
