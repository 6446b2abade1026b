use jsonwebtoken::EncodingKey;
use runloom_domain::{OrgId, UserId};
use serde_json::{Value, json};

use super::*;
use crate::sign_in::AccessClaims;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const LIFETIME: Duration = Duration::from_mins(15);

fn keys() -> TokenKeys {
    TokenKeys::derive(&[7; 32])
}

fn kind() -> TokenKind {
    keys().access("runloom")
}

fn claims() -> AccessClaims {
    AccessClaims {
        sub: UserId::generate(NOW),
        org: OrgId::generate(NOW),
    }
}

fn at(token: &str, now: Timestamp) -> Result<(AccessClaims, Timestamp), BadToken> {
    kind().verify(token, now)
}

/// Header and claims of a good token, to be tampered with.
fn good() -> (Value, Value) {
    let iat = seconds(NOW);
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kind().keys.signing().0});
    let claims = json!({
        "iss": "runloom", "aud": "runloom-api", "iat": iat, "nbf": iat, "exp": iat + 900,
        "sub": UserId::generate(NOW), "org": OrgId::generate(NOW),
    });
    (header, claims)
}

/// Signs any header and claims with HMAC-SHA-256, whatever the header says.
fn forge(header: &Value, claims: &Value, key: &EncodingKey) -> String {
    use base64::Engine as _;
    let part =
        |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn is_good(header: &Value, claims: &Value) -> bool {
    let kind = kind();
    at(&forge(header, claims, kind.keys.signing().1), NOW).is_ok()
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

#[test]
fn a_token_is_good_from_its_begin_to_its_end() {
    let token = kind().sign(claims(), NOW, LIFETIME);
    let (_, expires_at) = at(&token, NOW).unwrap();
    assert_eq!(expires_at, NOW + LIFETIME);
    let last = NOW + Duration::from_secs(899);
    assert!(at(&token, last).is_ok());
    assert!(at(&token, NOW + LIFETIME).is_err());
    // Another node's clock may be a little behind the one that signed.
    let earlier = |secs: i64| Timestamp::from_micros(NOW.as_micros() - secs * 1_000_000);
    assert!(at(&token, earlier(5)).is_ok());
    assert!(at(&token, earlier(6)).is_err());
}

#[test]
fn headers_of_other_tokens_are_refused() {
    let (header, claims) = good();
    assert!(is_good(&header, &claims));
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!("hs256")),
        ("typ", json!("JWT")),
        ("typ", json!("ticket+jwt")),
        ("kid", json!("other")),
        ("kid", json!(keys().ticket("runloom").keys.signing().0)),
        ("kid", json!("../../dev/null")),
        ("crit", json!(["exp"])),
    ] {
        let forged = with(header.clone(), name, value.clone());
        assert!(!is_good(&forged, &claims), "{name}: {value}");
    }
    for name in ["alg", "typ", "kid"] {
        assert!(!is_good(&without(header.clone(), name), &claims), "{name}");
    }
}

#[test]
fn claims_of_other_tokens_are_refused() {
    let (header, claims) = good();
    let now = seconds(NOW);
    for (name, value) in [
        ("iss", json!("other")),
        ("iss", json!(["runloom"])),
        ("aud", json!("runloom-events")),
        ("aud", json!(["runloom-api", "runloom-events"])),
        ("sub", json!("ada")),
        ("sub", json!(null)),
        ("org", json!(1)),
        ("exp", json!(now)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("nbf", json!(now + 6)),
        ("iat", json!(now + 6)),
        ("iat", json!("now")),
    ] {
        let forged = with(claims.clone(), name, value.clone());
        assert!(!is_good(&header, &forged), "{name}: {value}");
    }
    for name in ["iss", "aud", "sub", "org", "exp", "nbf", "iat"] {
        assert!(!is_good(&header, &without(claims.clone(), name)), "{name}");
    }
}

#[test]
fn only_our_signature_counts() {
    let token = kind().sign(claims(), NOW, LIFETIME);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let flipped = format!("{message}.{}", signature.replace(&signature[..1], "~"));
    for bad in [
        message.to_owned(),
        format!("{message}."),
        format!("{message}.{}", &signature[..42]),
        format!("{header}.{payload}x.{signature}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        flipped,
    ] {
        assert!(at(&bad, NOW).is_err(), "{bad}");
    }
    let (header, claims) = good();
    let stranger = EncodingKey::from_secret(&[7; 32]);
    assert!(at(&forge(&header, &claims, &stranger), NOW).is_err());
}

#[test]
fn purposes_issuers_and_masters_keep_apart() {
    let token = kind().sign(claims(), NOW, LIFETIME);
    let bad = |kind: TokenKind| kind.verify::<AccessClaims>(&token, NOW).is_err();
    assert!(bad(keys().ticket("runloom")));
    assert!(bad(keys().access("elsewhere")));
    assert!(bad(TokenKeys::derive(&[8; 32]).access("runloom")));
    let changed = TokenKeys::derive(&[8; 32]).also_accepting(&[7; 32]);
    assert!(!bad(changed.access("runloom")));
}
