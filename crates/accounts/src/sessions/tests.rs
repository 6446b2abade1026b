use std::sync::Arc;

use runloom_domain::{Clock as _, OrgId, OrgRole, RunId};
use tokio::task::JoinSet;

use super::*;
use crate::AccountsConfig;
use crate::testing::{Fixture, PASSWORD, login};

async fn is_refused(f: &Fixture, tokens: &Tokens) -> bool {
    match f.caller_of(tokens).await {
        Ok(_) => false,
        Err(AccountError::Unauthorized) => true,
        Err(other) => panic!("{other}"),
    }
}

fn first_page() -> Page {
    Page {
        limit: 10,
        before: None,
    }
}

async fn refresh(f: &Fixture, tokens: &Tokens) -> Result<Tokens, AccountError> {
    f.accounts
        .refresh(&tokens.refresh, None, Origin::default())
        .await
}

#[tokio::test]
async fn a_session_goes_on_by_refresh_tokens() {
    let f = Fixture::new();
    let made = f.registered("ada").await;
    let first = made.tokens;
    assert_eq!(first.refresh_expires_in.as_secs(), 30 * 24 * 3600);
    let id = f.caller_of(&first).await.unwrap().session_id();
    assert!(id.is_some());
    f.clock.advance(Duration::from_hours(24 * 29));
    let second = refresh(&f, &first).await.unwrap();
    let caller = f.caller_of(&second).await.unwrap();
    assert_eq!((caller.user_id, caller.org_id), (made.user_id, made.org_id));
    assert_eq!(caller.session_id(), id);
    assert_eq!(f.accounts.me(&caller).await.unwrap().session_id, id);
    f.clock.advance(Duration::from_hours(24 * 29));
    let third = refresh(&f, &second).await.unwrap();
    assert_eq!(third.refresh_expires_in.as_secs(), 30 * 24 * 3600);
    f.clock.advance(Duration::from_hours(24 * 30));
    let late = refresh(&f, &third).await;
    assert!(matches!(late, Err(AccountError::Unauthorized)));
}

#[tokio::test]
async fn a_session_that_is_used_ends_all_the_same() {
    let f = Fixture::new();
    let mut tokens = f.registered("ada").await.tokens;
    for days in [25, 50, 75] {
        f.clock.advance(Duration::from_hours(24 * 25));
        tokens = refresh(&f, &tokens).await.unwrap();
        let left = Duration::from_hours(24 * (90 - days)).min(LIFETIME);
        assert_eq!(tokens.refresh_expires_in, left);
    }
    f.clock
        .advance(Duration::from_hours(24 * 15) - Duration::from_mins(1));
    let last = refresh(&f, &tokens).await.unwrap();
    let left = [last.refresh_expires_in, last.access.expires_in];
    assert_eq!(left, [Duration::from_mins(1); 2]);
    f.clock.advance(Duration::from_mins(1));
    let late = refresh(&f, &last).await;
    assert!(matches!(late, Err(AccountError::Unauthorized)));
    assert!(is_refused(&f, &last).await);
}

#[tokio::test]
async fn sessions_end_earlier_once_they_may_not_go_on_for_as_long() {
    let f = Fixture::new();
    let tokens = f.registered("ada").await.tokens;
    let caller = f.caller_of(&tokens).await.unwrap();
    let began = f.clock.now();
    let listed = |days: u64| {
        let node = f.node(AccountsConfig {
            session_lifetime: Some(Duration::from_hours(24 * days)),
            ..AccountsConfig::default()
        });
        let caller = caller.clone();
        async move {
            let listed = node.sessions(&caller, first_page()).await.unwrap();
            let ends = listed.items.into_iter().map(|session| session.expires_at);
            ends.collect::<Vec<_>>()
        }
    };
    assert_eq!(listed(90).await, [began + LIFETIME]);
    assert_eq!(listed(7).await, [began + Duration::from_hours(24 * 7)]);
    f.clock.advance(Duration::from_hours(24 * 7));
    assert_eq!(listed(7).await, []);
    assert_eq!(listed(90).await, [began + LIFETIME]);
}

#[tokio::test]
async fn a_repeat_gets_the_same_successor_on_every_node() {
    let f = Fixture::new();
    let first = f.registered("ada").await.tokens;
    let nodes = [Arc::new(f.other_node()), Arc::new(f.other_node())];
    let mut asked = JoinSet::new();
    for number in 0..20 {
        let (node, token) = (Arc::clone(&nodes[number % 2]), first.refresh.clone());
        asked.spawn(async move {
            node.refresh(&token, None, Origin::default())
                .await
                .unwrap()
                .refresh
        });
    }
    let answers = asked.join_all().await;
    assert!(answers.iter().all(|token| *token == answers[0]));
    f.clock.advance(Duration::from_millis(9_999));
    let again = refresh(&f, &first).await.unwrap();
    assert_eq!(again.refresh, answers[0]);
    assert!(again.refresh_expires_in < LIFETIME);
    let next = refresh(&f, &again).await.unwrap();
    assert_ne!(next.refresh, again.refresh);
    assert!(!is_refused(&f, &next).await);
}

#[tokio::test]
async fn a_token_that_comes_back_late_ends_the_session() {
    let f = Fixture::new();
    let first = f.registered("ada").await.tokens;
    let elsewhere = f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    let second = refresh(&f, &first).await.unwrap();
    assert!(!is_refused(&f, &second).await);
    f.clock.advance(Duration::from_secs(10));
    assert!(refresh(&f, &first).await.is_err());
    assert!(is_refused(&f, &second).await, "the family has ended");
    assert!(refresh(&f, &second).await.is_err());
    assert!(!is_refused(&f, &elsewhere).await, "another session hasn't");
    // One before the previous is a copy at any time.
    let third = refresh(&f, &elsewhere).await.unwrap();
    refresh(&f, &third).await.unwrap();
    assert!(refresh(&f, &elsewhere).await.is_err());
    assert!(is_refused(&f, &third).await);
}

#[tokio::test]
async fn a_guess_ends_nothing() {
    let f = Fixture::new();
    let first = f.registered("ada").await.tokens;
    let text = first.refresh.expose().to_owned();
    let guess = format!("{}{}", &text[..60], "A".repeat(30));
    for bad in [guess.as_str(), "", "rlr_", first.access.token.expose()] {
        let refused = f
            .accounts
            .refresh(&bad.into(), None, Origin::default())
            .await;
        assert!(matches!(refused, Err(AccountError::Unauthorized)), "{bad}");
        f.accounts
            .sign_out_by(&bad.into(), true, Origin::default())
            .await
            .unwrap();
    }
    assert!(!is_refused(&f, &first).await);
}

#[tokio::test]
async fn a_session_is_in_an_organisation_of_its_person() {
    let f = Fixture::new();
    let made = f.registered("ada").await;
    let strange = Some(OrgId::generate(f.clock.now()));
    let refused = f
        .accounts
        .refresh(&made.tokens.refresh, strange, Origin::default())
        .await;
    assert!(matches!(refused, Err(AccountError::OrgNotFound)));
    let mut there = login("ada", PASSWORD);
    there.org_id = strange;
    let refused = f.accounts.login(there).await;
    assert!(matches!(refused, Err(AccountError::OrgNotFound)));
    // The token wasn't used up.
    let own = Some(made.org_id);
    let next = f
        .accounts
        .refresh(&made.tokens.refresh, own, Origin::default())
        .await
        .unwrap();
    assert_eq!(f.caller_of(&next).await.unwrap().org_id, made.org_id);
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all() {
    let f = Fixture::new();
    let here = f.registered("ada").await.tokens;
    let there = f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    let third = f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    let stranger = f.registered("bob").await.tokens;
    let caller = f.caller_of(&here).await.unwrap();
    let run = RunId::generate(f.clock.now());
    let ticket = f.accounts.issue_ticket(&caller, run).unwrap().ticket;
    let listed = f
        .accounts
        .sessions(&caller, first_page())
        .await
        .unwrap()
        .items;
    assert_eq!(listed.len(), 3);

    f.accounts.sign_out(&caller, false).await.unwrap();
    assert!(is_refused(&f, &here).await);
    assert!(refresh(&f, &here).await.is_err());
    assert!(
        f.accounts.still_valid(&caller).await.is_err(),
        "its streams end"
    );
    assert!(f.accounts.check_ticket(ticket.expose(), run).await.is_err());
    assert!(!is_refused(&f, &there).await);

    f.accounts
        .sign_out_by(&there.refresh, false, Origin::default())
        .await
        .unwrap();
    assert!(is_refused(&f, &there).await);
    let caller = f.caller_of(&third).await.unwrap();
    let listed = f
        .accounts
        .sessions(&caller, first_page())
        .await
        .unwrap()
        .items;
    assert_eq!(listed.len(), 1);
    assert_eq!(Some(listed[0].session_id), caller.session_id());

    let again = f.accounts.login(login("ada", PASSWORD)).await.unwrap();
    f.accounts.sign_out(&caller, true).await.unwrap();
    assert!(is_refused(&f, &third).await);
    assert!(is_refused(&f, &again).await);
    assert!(!is_refused(&f, &stranger).await);
    f.accounts.login(login("ada", PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn a_person_ends_their_own_sessions_alone() {
    let f = Fixture::new();
    let (ada, bob) = (f.registered("ada").await, f.registered("bob").await);
    let caller = f.caller_of(&ada.tokens).await.unwrap();
    let theirs = f
        .caller_of(&bob.tokens)
        .await
        .unwrap()
        .session_id()
        .unwrap();
    assert!(!f.accounts.end_session(&caller, theirs).await.unwrap());
    assert!(!is_refused(&f, &bob.tokens).await);
    let own = caller.session_id().unwrap();
    assert!(f.accounts.end_session(&caller, own).await.unwrap());
    assert!(is_refused(&f, &ada.tokens).await);
    assert!(!f.accounts.end_session(&caller, own).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn other_nodes_notice_within_two_seconds() {
    let f = Fixture::new();
    let made = f.registered("ada").await.tokens;
    let (other, bearer) = (f.other_node(), made.access.token.expose());
    let caller = other.authenticate(bearer).await.unwrap();
    let before = f.reads();
    f.accounts
        .sign_out_by(&made.refresh, false, Origin::default())
        .await
        .unwrap();
    other.authenticate(bearer).await.unwrap();
    assert_eq!(f.reads(), before, "remembered");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(other.authenticate(bearer).await.is_err());
    assert!(other.still_valid(&caller).await.is_err());
}

#[tokio::test]
async fn tokens_without_a_session_end_when_all_do() {
    let f = Fixture::new();
    // As former versions issue them.
    let old = f.bearer("ada", OrgRole::Owner).await;
    let caller = f.accounts.authenticate(&old).await.unwrap();
    assert_eq!(caller.session_id(), None);
    f.clock.advance(Duration::from_secs(1));
    f.accounts.sign_out(&caller, false).await.unwrap();
    assert!(
        f.accounts.authenticate(&old).await.is_ok(),
        "there is no session to end"
    );
    f.accounts.sign_out(&caller, true).await.unwrap();
    assert!(f.accounts.authenticate(&old).await.is_err());
    assert!(f.accounts.still_valid(&caller).await.is_err());
    f.clock.advance(Duration::from_secs(1));
    let new = f.accounts.access_token(caller.org_id, caller.user_id, None);
    f.accounts.authenticate(new.token.expose()).await.unwrap();
}

#[tokio::test]
async fn an_api_key_has_no_session() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let key = f.key(&owner, &["runs.read"]).await;
    let caller = f.accounts.authenticate(key.secret.expose()).await.unwrap();
    let refusals = [
        f.accounts.sign_out(&caller, true).await.err(),
        f.accounts.sessions(&caller, first_page()).await.err(),
    ];
    for refused in refusals {
        assert!(matches!(refused, Some(AccountError::PersonNeeded)));
    }
    f.accounts.sign_out(&owner, true).await.unwrap();
    f.accounts.authenticate(key.secret.expose()).await.unwrap();
}
