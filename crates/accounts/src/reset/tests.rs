use runloom_domain::Clock as _;

use super::*;
use crate::testing::{Fixture, PASSWORD, login};

const NEW: &str = "battery staple";

async fn reset(f: &Fixture, token: &Secret) -> Result<(), AccountError> {
    f.accounts
        .reset_password(token, NEW.into(), Origin::default())
        .await
}

#[tokio::test]
async fn an_operators_token_resets_once() {
    let f = Fixture::new();
    let tokens = f.registered("ada").await.tokens;
    let issue = async |name| {
        operator_reset(&*f.store, name, f.clock.now())
            .await
            .unwrap()
    };
    assert!(issue("nobody").await.is_none());
    let first = issue("ada").await.unwrap();
    let second = issue("ADA@example.com").await.unwrap();
    assert!(
        f.caller_of(&tokens).await.is_ok(),
        "nothing has happened yet"
    );
    for bad in [
        &first.token,
        &Secret::from(""),
        &Secret::from("rlp_x"),
        &tokens.refresh,
    ] {
        assert!(matches!(reset(&f, bad).await, Err(AccountError::BadReset)));
    }
    let short = f
        .accounts
        .reset_password(&second.token, "short".into(), Origin::default())
        .await;
    assert!(matches!(short, Err(AccountError::Invalid { .. })));

    reset(&f, &second.token).await.unwrap();
    assert!(f.caller_of(&tokens).await.is_err());
    assert!(
        f.accounts
            .refresh(&tokens.refresh, None, Origin::default())
            .await
            .is_err()
    );
    assert!(f.accounts.login(login("ada", PASSWORD)).await.is_err());
    f.accounts.login(login("ada", NEW)).await.unwrap();
    assert!(matches!(
        reset(&f, &second.token).await,
        Err(AccountError::BadReset)
    ));

    let late = issue("ada").await.unwrap();
    f.clock.advance(LIFETIME);
    assert!(matches!(
        reset(&f, &late.token).await,
        Err(AccountError::BadReset)
    ));
}

#[tokio::test]
async fn owners_issue_tokens_for_their_own_members() {
    let f = Fixture::new();
    let owner = f.registered("ada").await;
    let caller = f.caller_of(&owner.tokens).await.unwrap();
    let stranger = f.registered("bob").await;
    let issue = async |caller: &Caller, user| f.accounts.issue_reset(caller, user, |_| None).await;
    let refused = issue(&caller, stranger.user_id).await;
    assert!(matches!(refused, Err(AccountError::MemberNotFound)));
    let admin = f.caller("cyd", OrgRole::Admin).await;
    let refused = issue(&admin, admin.user_id).await;
    assert!(matches!(refused, Err(AccountError::OwnerNeeded)));
    let member = f.caller("dan", OrgRole::Member).await;
    let refused = issue(&member, member.user_id).await;
    assert!(matches!(refused, Err(AccountError::Forbidden(_))));
    let Once::Done(made) = issue(&caller, owner.user_id).await.unwrap() else {
        panic!("nothing to replay");
    };
    reset(&f, &made.token).await.unwrap();
    f.accounts.login(login("ada", NEW)).await.unwrap();
}
