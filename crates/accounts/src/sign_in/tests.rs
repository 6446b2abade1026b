use runloom_domain::{OrgRole, PermissionSet};

use crate::testing::Fixture;
use crate::{AccountError, Secret};

const PASSWORD: &str = "correct horse";

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
    let made = f
        .accounts
        .register("Ada", "ada@example.com", PASSWORD.into())
        .await
        .unwrap();
    assert_eq!(made.access_token.expires_in.as_secs(), 900);
    let bearer = made.access_token.token.expose();
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
        (me.email.as_str(), me.login.as_str()),
        ("ada@example.com", "Ada")
    );
}

#[tokio::test]
async fn login_and_email_sign_in_and_nothing_else_does() {
    let f = Fixture::new();
    f.accounts
        .register("Ada", "ada@example.com", PASSWORD.into())
        .await
        .unwrap();
    let login = |name: &'static str, password: &str| f.accounts.login(name, password.into());
    for name in ["Ada", "ada", "ADA@example.com"] {
        let token = login(name, PASSWORD).await.unwrap().token;
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
    let register = |login: &'static str, email: &'static str| {
        f.accounts.register(login, email, Secret::from(PASSWORD))
    };
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
    let refused = f.accounts.register("a@b", "ada", "short".into()).await;
    assert_eq!(names(refused), ["login", "email", "password"]);
    let refused = f
        .accounts
        .register("ada", "a@b.c", "password1".into())
        .await;
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
    f.accounts.login("owner", owner.password).await.unwrap();
    let again = f.accounts.first_owner("owner", "owner@localhost").await;
    assert!(again.unwrap().is_none());
}
