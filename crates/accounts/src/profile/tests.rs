use runloom_domain::OrgRole;

use super::*;
use crate::testing::{Fixture, HERE, PASSWORD, login};
use runloom_store::Origin;

const NEW: &str = "battery staple";

fn here() -> IpAddr {
    HERE.parse().unwrap()
}

#[tokio::test]
async fn a_changed_password_ends_other_sessions() {
    let f = Fixture::new();
    let here_now = f.registered("ada").await.tokens;
    let there = f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    let caller = f.caller_of(&here_now).await.unwrap();
    let key = f.key(&caller, &["runs.read"]).await;
    let change = async |current: &str, new: &str| {
        let (current, new) = (current.into(), new.into());
        f.accounts
            .change_password(&caller, current, new, here())
            .await
    };
    assert!(matches!(
        change("wrong", NEW).await,
        Err(AccountError::WrongPassword)
    ));
    let Err(AccountError::Invalid { fields }) = change(PASSWORD, "short").await else {
        panic!("it is short");
    };
    assert_eq!(fields[0].field, "new_password");
    assert!(f.caller_of(&there).await.is_ok(), "nothing has changed");

    change(PASSWORD, NEW).await.unwrap();
    assert!(f.caller_of(&here_now).await.is_ok());
    assert!(
        f.accounts
            .refresh(&here_now.refresh, None, Origin::default())
            .await
            .is_ok()
    );
    assert!(f.caller_of(&there).await.is_err());
    assert!(
        f.accounts
            .refresh(&there.refresh, None, Origin::default())
            .await
            .is_err()
    );
    f.accounts.authenticate(key.secret.expose()).await.unwrap();
    assert!(f.accounts.login(login("ada", PASSWORD)).await.is_err());
    f.accounts.login(login("ada", NEW)).await.unwrap();
}

#[tokio::test]
async fn names_are_changed_by_who_knows_the_password() {
    let f = Fixture::new();
    f.registered("bob").await;
    let tokens = f.registered("ada").await.tokens;
    let caller = f.caller_of(&tokens).await.unwrap();
    let change = async |login: Option<&str>, email: Option<&str>, password: &str| {
        let change = ProfileChange {
            login: login.map(str::to_owned),
            email: email.map(str::to_owned),
            current_password: password.into(),
        };
        f.accounts.change_profile(&caller, change, here()).await
    };
    let refused = change(Some("eve"), None, "wrong").await;
    assert!(matches!(refused, Err(AccountError::WrongPassword)));
    for (login, email) in [(Some("BOB"), None), (None, Some("Bob@example.com"))] {
        let refused = change(login, email, PASSWORD).await;
        assert!(
            matches!(refused, Err(AccountError::Taken)),
            "{login:?} {email:?}"
        );
    }
    let refused = change(Some("a b"), Some("x"), PASSWORD).await;
    assert!(matches!(refused, Err(AccountError::Invalid { fields }) if fields.len() == 2));
    let me = change(Some("Countess"), Some("ada@example.org"), PASSWORD)
        .await
        .unwrap();
    assert_eq!(
        (me.login.as_str(), me.email.as_deref().unwrap()),
        ("Countess", "ada@example.org")
    );
    assert!(f.accounts.login(login("ada", PASSWORD)).await.is_err());
    f.accounts.login(login("countess", PASSWORD)).await.unwrap();
    f.registered("ada").await;
}

#[tokio::test(start_paused = true)]
async fn who_has_a_token_can_not_guess_the_password_by_it() {
    let f = Fixture::new();
    let tokens = f.registered("ada").await.tokens;
    let caller = f.caller_of(&tokens).await.unwrap();
    let guess = async || {
        let (current, new) = ("wrong".into(), NEW.into());
        f.accounts
            .change_password(&caller, current, new, here())
            .await
    };
    for _ in 0..5 {
        assert!(matches!(guess().await, Err(AccountError::WrongPassword)));
    }
    assert!(matches!(
        guess().await,
        Err(AccountError::TooManyAttempts { .. })
    ));
    let owner = f.caller("bob", OrgRole::Owner).await;
    let key = f.key(&owner, &["runs.read"]).await;
    let key = f.accounts.authenticate(key.secret.expose()).await.unwrap();
    let refused = f
        .accounts
        .change_password(&key, PASSWORD.into(), NEW.into(), here());
    assert!(matches!(refused.await, Err(AccountError::PersonNeeded)));
}
