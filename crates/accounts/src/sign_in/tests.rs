use argon2::{Argon2, Params, PasswordHasher as _};
use runloom_domain::{OrgRole, PermissionSet};
use runloom_store::{AccountStore as _, Idempotency, Once, Origin, StoredAnswer};

use crate::testing::{Fixture, PASSWORD, login, login_from};
use crate::{AccountError, Registered, Registration};

async fn register(
    f: &Fixture,
    login: &str,
    email: &str,
    password: &str,
) -> Result<Registered, AccountError> {
    let made = f
        .accounts
        .register(login, email, password.into(), Origin::default(), |_| None);
    match made.await? {
        Once::Done(registered) => Ok(registered),
        other => panic!("nothing to replay: {other:?}"),
    }
}

fn names(result: Result<impl Sized, AccountError>) -> Vec<&'static str> {
    match result {
        Err(AccountError::Invalid { fields }) => fields.iter().map(|error| error.field).collect(),
        Err(other) => panic!("not about fields: {other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test]
async fn who_registers_is_the_owner_of_an_organisation_and_signed_in() {
    let f = Fixture::new();
    let made = register(&f, "Ada", "ada@example.com", PASSWORD)
        .await
        .unwrap();
    assert_eq!(made.tokens.access.expires_in.as_secs(), 900);
    let bearer = made.tokens.access.token.expose();
    let caller = f.accounts.authenticate(bearer).await.unwrap();
    assert_eq!((caller.user_id, caller.org_id), (made.user_id, made.org_id));
    assert_eq!(
        (caller.login.as_str(), caller.role),
        ("Ada", OrgRole::Owner)
    );
    assert_eq!(caller.rights, PermissionSet::all());
    assert_eq!(caller.principal, format!("user:{}", made.user_id));
    let me = f.accounts.me(&caller).await.unwrap();
    assert_eq!(
        (me.email.as_deref(), me.login.as_str()),
        (Some("ada@example.com"), "Ada")
    );
}

#[tokio::test]
async fn login_and_email_sign_in_and_nothing_else_does() {
    let f = Fixture::new();
    register(&f, "Ada", "ada@example.com", PASSWORD)
        .await
        .unwrap();
    let login = |name: &'static str, password: &str| f.accounts.login(login(name, password));
    for name in ["Ada", "ada", "ADA@example.com"] {
        let token = login(name, PASSWORD).await.unwrap().access.token;
        f.accounts.authenticate(token.expose()).await.unwrap();
    }
    let long = "x".repeat(10_000);
    for (name, password) in [
        ("Ada", "Correct horse"),
        ("Ada", ""),
        ("Ada", &long),
        ("", PASSWORD),
        ("Bob", PASSWORD),
        ("Ada' or '1'='1", PASSWORD),
    ] {
        let refused = login(name, password).await;
        assert!(
            matches!(refused, Err(AccountError::BadCredentials)),
            "{name:?}"
        );
    }
    assert_eq!(names(login("A\0", "\0").await), ["login", "password"]);
}

#[tokio::test]
async fn a_login_or_address_is_taken_once() {
    let f = Fixture::new();
    let register = async |login, email| register(&f, login, email, PASSWORD).await;
    register("ada", "ada@example.com").await.unwrap();
    for (login, email) in [("ADA", "b@example.com"), ("bob", "Ada@Example.com")] {
        let refused = register(login, email).await;
        assert!(matches!(refused, Err(AccountError::Taken)), "{login}");
    }
    register("bob", "b@example.com").await.unwrap();
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_nothing_is_written() {
    let f = Fixture::new();
    let refused = register(&f, "a@b", "ada", "short").await;
    assert_eq!(names(refused), ["login", "email", "password"]);
    let refused = register(&f, "ada", "a@b.c", "password1").await;
    assert_eq!(names(refused), ["password"]);
    assert!(
        f.accounts
            .first_owner("owner", "owner@localhost")
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn the_first_owner_is_made_once_with_a_key_that_may_do_everything() {
    let f = Fixture::new();
    let owner = f
        .accounts
        .first_owner("owner", "owner@localhost")
        .await
        .unwrap()
        .expect("nobody has registered");
    let caller = f
        .accounts
        .authenticate(owner.api_key.expose())
        .await
        .unwrap();
    assert_eq!(
        (caller.user_id, caller.org_id),
        (owner.user_id, owner.org_id)
    );
    assert_eq!(caller.rights, PermissionSet::all());
    let password = owner.password.expose();
    f.accounts.login(login("owner", password)).await.unwrap();
    let again = f.accounts.first_owner("owner", "owner@localhost").await;
    assert!(again.unwrap().is_none());
}

#[tokio::test]
async fn a_registration_may_be_repeated_without_its_token() {
    let f = Fixture::new();
    let body = br#"{"login":"ada","password":"correct horse"}"#;
    let attempt = async |login: &str, body: &[u8]| {
        let hash = f.accounts.fingerprint(body);
        let once = |new: &Registered| {
            Some(Idempotency {
                principal: "somebody".to_owned(),
                operation: "POST /v1/auth/register".to_owned(),
                key: "k".to_owned(),
                body_hash: hash,
                answer: StoredAnswer {
                    status: 201,
                    body: new.user_id.to_string(),
                },
            })
        };
        let email = format!("{login}@example.com");
        let made = f
            .accounts
            .register(login, &email, PASSWORD.into(), Origin::default(), once);
        made.await.unwrap()
    };
    let Once::Done(first) = attempt("ada", body).await else {
        panic!("nobody was there");
    };
    let Once::Replayed(again) = attempt("ada", body).await else {
        panic!("it happened before");
    };
    assert_eq!(again.body, first.user_id.to_string());
    let other = attempt("bob", b"{}").await;
    assert!(matches!(other, Once::Conflict(_)), "{other:?}");
    let other_node = f.other_node().fingerprint(body);
    assert_eq!(f.accounts.fingerprint(body), other_node);
    assert_ne!(f.accounts.fingerprint(body), f.accounts.fingerprint(b"{}"));
}

#[tokio::test]
async fn an_outdated_hash_is_replaced_at_login() {
    let f = Fixture::new();
    let made = register(&f, "ada", "ada@example.com", PASSWORD)
        .await
        .unwrap();
    let stored = async || {
        f.store
            .find_login("ada")
            .await
            .unwrap()
            .unwrap()
            .password_hash
    };
    let today = stored().await;
    f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    assert_eq!(stored().await, today, "it is up to date");

    let weak = Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        Params::new(8, 1, 1, None).unwrap(),
    );
    let weak = weak.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let replaced = f
        .store
        .replace_password_hash(made.user_id, &today, weak.clone());
    assert!(replaced.await.unwrap());
    let refused = f.accounts.login(login("ada", "wrong horse")).await;
    assert!(matches!(refused, Err(AccountError::BadCredentials)));
    assert_eq!(stored().await, weak, "nobody signed in");
    f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    let renewed = stored().await;
    assert!(
        renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{renewed}"
    );
    f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    assert_eq!(stored().await, renewed);
}

#[tokio::test(start_paused = true)]
async fn guessing_is_slowed_down_and_locks_nobody_out() {
    let f = Fixture::new();
    register(&f, "ada", "ada@example.com", PASSWORD)
        .await
        .unwrap();
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            let refused = f.accounts.login(login(name, "wrong horse")).await;
            assert!(matches!(refused, Err(AccountError::BadCredentials)));
        }
        let Err(AccountError::TooManyAttempts { retry_after }) =
            f.accounts.login(login(name, PASSWORD)).await
        else {
            panic!("{name} had to wait");
        };
        assert_eq!(retry_after.as_secs(), 1, "{name}");
    }
    let elsewhere = login_from("ada", PASSWORD, "192.0.2.2");
    f.accounts.login(elsewhere).await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    f.accounts.login(login("ada", PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn not_everybody_may_register_everywhere() {
    for (mode, code) in [
        (Registration::Closed, "registration is closed"),
        (Registration::Invitation, "an invitation is needed"),
    ] {
        let mut f = Fixture::new();
        f.accounts.config.registration = mode;
        let refused = register(&f, "ada", "ada@example.com", PASSWORD).await;
        assert_eq!(refused.unwrap_err().to_string(), code);
        let owner = f.accounts.first_owner("owner", "owner@localhost").await;
        assert!(
            owner.unwrap().is_some(),
            "the first one needs no invitation"
        );
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert!("Open".parse::<Registration>().is_err());
}
