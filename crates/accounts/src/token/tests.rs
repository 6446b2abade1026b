use jsonwebtoken::EncodingKey;
use runloom_domain::{OrgId, SessionId, UserId};
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
        sid: Some(SessionId::generate(NOW)),
    }
}

fn at(token: &str, now: Timestamp) -> Result<Verified<AccessClaims>, BadToken> {
    kind().verify(token, now)
}

/// Header and claims of a good token, to be tampered with.
fn good() -> (Value, Value) {
    let iat = seconds(NOW);
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kind().keys.signing().0});
    let claims = json!({
        "iss": "runloom", "aud": "runloom-api", "iat": iat, "nbf": iat, "exp": iat + 900,
        "sub": UserId::generate(NOW), "org": OrgId::generate(NOW),
        "sid": SessionId::generate(NOW),
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
    let good = at(&token, NOW).unwrap();
    assert_eq!((good.issued_at, good.expires_at), (NOW, NOW + LIFETIME));
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
        ("alg", json!("None")),
        ("alg", json!("")),
        ("alg", json!(null)),
        ("alg", json!(["HS256"])),
        ("alg", json!("HS384")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!("PS256")),
        ("alg", json!("ES256")),
        ("alg", json!("EdDSA")),
        ("alg", json!("hs256")),
        ("typ", json!("JWT")),
        ("typ", json!("AT+JWT")),
        ("typ", json!("ticket+jwt")),
        ("typ", json!(1)),
        ("kid", json!("")),
        ("kid", json!(7)),
        ("kid", json!("other")),
        ("kid", json!(keys().ticket("runloom").keys.signing().0)),
        ("kid", json!("../../dev/null")),
        ("crit", json!([])),
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
        ("sub", json!(["ada"])),
        ("org", json!(1)),
        ("sid", json!("here")),
        ("sid", json!(7)),
        ("exp", json!(now)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", json!(null)),
        ("exp", json!(true)),
        ("nbf", json!("0")),
        ("nbf", json!({})),
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

/// A key that the header itself brings or points at must not be the one that is used.
#[test]
fn no_key_comes_with_the_token() {
    let (header, claims) = good();
    let own = EncodingKey::from_secret(b"a key of the attacker's own choice");
    let jwk = json!({"kty": "oct", "k": "YSBrZXkgb2YgdGhlIGF0dGFja2VyJ3Mgb3duIGNob2ljZQ"});
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.example/keys.json")),
        ("x5u", json!("https://attacker.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let forged = with(header.clone(), name, value);
        assert!(at(&forge(&forged, &claims, &own), NOW).is_err(), "{name}");
        let unnamed = without(forged, "kid");
        assert!(
            at(&forge(&unnamed, &claims, &own), NOW).is_err(),
            "{name} without kid"
        );
    }
    for secret in ["", "secret", "runloom"] {
        let guessed = EncodingKey::from_secret(secret.as_bytes());
        assert!(
            at(&forge(&header, &claims, &guessed), NOW).is_err(),
            "{secret}"
        );
    }
}

#[test]
fn tokens_of_former_versions_have_no_session() {
    let (header, claims) = good();
    assert!(is_good(&header, &without(claims, "sid")));
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
