use std::time::Duration;

use runloom_domain::{OrgRole, Permission};

use crate::testing::Fixture;
use crate::{AccountError, Accounts};

async fn refused(accounts: &Accounts, bearer: &str) -> bool {
    let verdict = accounts.authenticate(bearer).await;
    matches!(verdict, Err(AccountError::Unauthorized))
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_costs_one_read() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let created = f.key(&owner, &["runs.read"]).await;
    let before = f.reads();
    let guess = format!("{}_{}", created.key.prefix, "x".repeat(43));
    for _ in 0..10 {
        assert!(refused(&f.accounts, &guess).await);
    }
    assert_eq!(f.reads() - before, 1);
    assert!(!refused(&f.accounts, created.secret.expose()).await);
}

#[tokio::test]
async fn anything_else_is_refused_without_a_read() {
    let f = Fixture::new();
    let before = f.reads();
    for bearer in [
        "", " ", "Bearer x", "rl_", "rl_short", "a.b.c", "\0", "é", "..", "{}",
    ] {
        assert!(refused(&f.accounts, bearer).await, "{bearer:?}");
    }
    assert!(refused(&f.accounts, &"x.".repeat(1 << 19)).await);
    assert_eq!(f.reads(), before);
    let unknown = format!("rl_Abc12345_{}", "x".repeat(43));
    assert!(refused(&f.accounts, &unknown).await);
    assert_eq!(f.reads(), before + 1);
}

#[tokio::test]
async fn many_requests_share_one_read() {
    tokio::time::pause();
    let f = Fixture::new();
    let bearer = f.bearer("ada", OrgRole::Owner).await;
    let before = f.reads();
    for _ in 0..100 {
        f.accounts.authenticate(&bearer).await.unwrap();
    }
    assert_eq!(f.reads() - before, 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    f.accounts.authenticate(&bearer).await.unwrap();
    assert_eq!(f.reads() - before, 2);
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute() {
    let mut f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let created = f.key(&owner, &["runs.read"]).await;
    let bearer = created.secret.expose();
    for _ in 0..5 {
        f.accounts.authenticate(bearer).await.unwrap();
    }
    assert_eq!(f.touched.recv().await, Some(created.key.api_key_id));
    // Also when the key is read anew meanwhile.
    f.accounts.lookups.forget_key(created.key.api_key_id);
    f.clock.advance(Duration::from_secs(59));
    f.accounts.authenticate(bearer).await.unwrap();
    tokio::task::yield_now().await;
    assert!(f.touched.try_recv().is_err());
    f.clock.advance(Duration::from_secs(1));
    f.accounts.authenticate(bearer).await.unwrap();
    assert_eq!(f.touched.recv().await, Some(created.key.api_key_id));
}

#[tokio::test]
async fn a_token_ends_and_so_does_the_stream_it_opened() {
    let f = Fixture::new();
    let bearer = f.bearer("ada", OrgRole::Member).await;
    let caller = f.accounts.authenticate(&bearer).await.unwrap();
    assert!(caller.rights.allows(Permission::RunsWrite));
    f.clock.advance(Duration::from_secs(899));
    let again = f.accounts.still_valid(&caller).await.unwrap();
    assert_eq!(again.expires_at, caller.expires_at);
    assert_eq!(again.principal, caller.principal);
    f.clock.advance(Duration::from_secs(1));
    assert!(refused(&f.accounts, &bearer).await);
    let ended = f.accounts.still_valid(&caller).await;
    assert!(matches!(ended, Err(AccountError::Unauthorized)));
}

#[tokio::test]
async fn a_token_of_somebody_who_is_not_there_is_refused() {
    let (f, empty) = (Fixture::new(), Fixture::new());
    let bearer = f.bearer("ada", OrgRole::Owner).await;
    assert!(refused(&empty.accounts, &bearer).await);
    assert!(!refused(&f.other_node(), &bearer).await);
}
