//! Signed tokens: access tokens, and tickets for event streams.
//!
//! The algorithm is HS256, fixed. Only the nodes of one installation make and check tokens, and
//! they share the master secret anyway, so a public key would serve nobody; and a check costs
//! microseconds on every request, where a curve's signature costs tens of them.
//!
//! A token is good only when all of this holds: the header's `alg`, `typ` and `kid` are those
//! of this kind of token; the signature fits; `iss`, `aud`, `sub`, `iat`, `nbf` and `exp` are
//! there, `iss` and `aud` are ours; it has begun and has not ended. Each kind has its own
//! `typ`, audience and keys, so that one can't pass for another.

mod keys;

pub use keys::TokenKeys;

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use keys::KeyRing;
use runloom_domain::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How far ahead the clock of the node that made a token may be. An end is never stretched.
const LEEWAY_SECONDS: i64 = 5;

/// A longer text isn't looked at; ours have about 500 bytes.
const MAX_TOKEN_BYTES: usize = 2_048;

/// The token is not good, for any reason; callers must not learn which.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadToken;

/// What tells one kind of token from another.
pub(crate) struct TokenKind {
    typ: &'static str,
    audience: &'static str,
    issuer: String,
    keys: KeyRing,
    validation: Validation,
}

/// A good token.
#[derive(Debug)]
pub(crate) struct Verified<C> {
    /// The kind's own claims.
    pub(crate) claims: C,
    /// When it was issued, in whole seconds.
    pub(crate) issued_at: Timestamp,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
}

/// What every token claims, with the kind's own claims beside.
#[derive(Serialize, Deserialize)]
struct Claims<C> {
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(flatten)]
    own: C,
}

impl TokenKind {
    fn new(typ: &'static str, audience: &'static str, issuer: &str, keys: KeyRing) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub", "aud", "iss", "nbf"]);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[issuer]);
        // The library reads the machine's clock; times are checked below against ours.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            typ,
            audience,
            issuer: issuer.to_owned(),
            keys,
            validation,
        }
    }

    /// Makes a token that is good from `now` for `lifetime`, counted in whole seconds.
    pub(crate) fn sign<C: Serialize>(&self, own: C, now: Timestamp, lifetime: Duration) -> String {
        let iat = seconds(now);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.to_owned(),
            iat,
            nbf: iat,
            exp: seconds(now + lifetime),
            own,
        };
        let (kid, key) = self.keys.signing();
        let header = Header {
            typ: Some(self.typ.to_owned()),
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        encode(&header, &claims, key).expect("our claims are JSON and the key is for HMAC")
    }

    /// What a good token claims.
    pub(crate) fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Verified<C>, BadToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(BadToken);
        }
        let header = decode_header(token).map_err(|_| BadToken)?;
        // An extension marked critical must be understood, and we know none.
        if header.typ.as_deref() != Some(self.typ) || header.crit.is_some() {
            return Err(BadToken);
        }
        let kid = header.kid.ok_or(BadToken)?;
        let key = self.keys.verifying(&kid).ok_or(BadToken)?;
        let claims = decode::<Claims<C>>(token, key, &self.validation)
            .map_err(|_| BadToken)?
            .claims;
        let moment = seconds(now);
        let begun = claims.nbf.max(claims.iat) <= moment.saturating_add(LEEWAY_SECONDS);
        if !begun || claims.exp <= moment {
            return Err(BadToken);
        }
        Ok(Verified {
            claims: claims.own,
            issued_at: from_seconds(claims.iat),
            expires_at: from_seconds(claims.exp),
        })
    }
}

/// Whole seconds since the epoch, rounded down, as tokens count.
pub(crate) fn seconds(moment: Timestamp) -> i64 {
    moment.as_micros().div_euclid(1_000_000)
}

/// The moment that a token's number means.
pub(crate) fn from_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests;
