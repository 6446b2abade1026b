//! Sessions of people, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{OrgId, SessionId, Timestamp, UserId};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{Tenant, done, first_page, new_account, next_page, now, someone, tenant};
use crate::{
    BeginSession, ChangePassword, CreateAccount, NewAccount, NewSession, NoOrg, OngoingSession,
    RefreshSession, Refreshed, Rename, Renamed, SessionEnd, SignIn,
};

const DAY: Duration = Duration::from_hours(24);

fn new_session(token: u8) -> NewSession {
    NewSession {
        session_id: SessionId::generate(now()),
        token_hash: [token; 32],
        created_at: now(),
        expires_at: now() + DAY,
    }
}

fn sign_in(user: UserId, session: &NewSession) -> SignIn {
    SignIn {
        user_id: user,
        org_id: None,
        signed_out_at: None,
        session: session.clone(),
    }
}

async fn begin(h: &Harness, user: UserId, token: u8) -> NewSession {
    let session = new_session(token);
    let begun = h
        .store()
        .begin_session(sign_in(user, &session), someone())
        .await;
    assert!(matches!(begun.unwrap(), BeginSession::Begun(_)));
    session
}

fn refreshed(session: &NewSession, presented: u8, successor: u8, at: Timestamp) -> RefreshSession {
    RefreshSession {
        session_id: session.session_id,
        presented: [presented; 32],
        successor: [successor; 32],
        org_id: None,
        at,
        expires_at: at + DAY,
        repeatable_for: Duration::from_secs(10),
    }
}

async fn refresh(h: &Harness, refresh: RefreshSession) -> Refreshed {
    h.store().refresh_session(refresh, someone()).await.unwrap()
}

fn ongoing(tenant: &Tenant, token: u8, expires_at: Timestamp) -> Refreshed {
    Refreshed::Ongoing(OngoingSession {
        user_id: tenant.user,
        org_id: tenant.org,
        token_hash: [token; 32],
        expires_at,
    })
}

async fn goes_on(h: &Harness, tenant: &Tenant, session: &NewSession) -> bool {
    let id = session.session_id;
    let owner = h.store().session_owner(id).await.unwrap();
    assert!(owner.is_none_or(|owner| owner == tenant.user));
    let user = h
        .store()
        .signed_in_user(tenant.org, tenant.user, Some(id))
        .await
        .unwrap();
    assert_eq!(owner.is_some(), user.is_some());
    user.is_some()
}

/// A session begins with a registration or a sign-in, and goes on with its successor's token.
pub async fn a_session_begins_and_goes_on(h: &Harness) {
    let first = new_session(1);
    let new = NewAccount {
        session: Some(first.clone()),
        ..new_account()
    };
    let (org, user) = (new.org_id, new.user_id);
    let created = h
        .store()
        .create_account(new, None, someone())
        .await
        .unwrap();
    assert_eq!(done(created), CreateAccount::Created);
    let found = h
        .store()
        .signed_in_user(org, user, Some(first.session_id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.user.user_id, found.user.org_id, found.signed_out_at),
        (user, org, None)
    );
    let second = begin(h, user, 2).await;
    let at = now() + Duration::from_secs(1);
    let next = Refreshed::Ongoing(OngoingSession {
        user_id: user,
        org_id: org,
        token_hash: [3; 32],
        expires_at: at + DAY,
    });
    assert_eq!(refresh(h, refreshed(&second, 2, 3, at)).await, next);
    let listed = h.store().sessions(user, at, first_page(9)).await.unwrap();
    let listed = listed.items.iter().map(|s| (s.session_id, s.last_used_at));
    assert_eq!(
        listed.collect::<Vec<_>>(),
        [
            (second.session_id, at),
            (first.session_id, first.created_at)
        ]
    );
    let unknown = refresh(h, refreshed(&new_session(1), 1, 2, at)).await;
    assert_eq!(unknown, Refreshed::Unknown);
    let late = refresh(h, refreshed(&second, 3, 4, at + DAY)).await;
    assert_eq!(late, Refreshed::Unknown);
}

/// The token before gets the present one for a while; later it ends the session, as each older
/// one does at once.
pub async fn a_token_is_repeated_for_a_while(h: &Harness) {
    let tenant = tenant(h).await;
    let session = begin(h, tenant.user, 1).await;
    let at = now();
    let later = |millis| at + Duration::from_millis(millis);
    let next = ongoing(&tenant, 2, at + DAY);
    assert_eq!(refresh(h, refreshed(&session, 1, 2, at)).await, next);
    for millis in [0, 9_999] {
        // Whatever successor is offered: the one that was taken counts.
        let again = refresh(h, refreshed(&session, 1, 7, later(millis))).await;
        assert_eq!(again, next, "{millis}");
    }
    let late = refresh(h, refreshed(&session, 1, 2, later(10_000))).await;
    assert_eq!(late, Refreshed::Reused(tenant.user));
    assert!(!goes_on(h, &tenant, &session).await);
    let after = refresh(h, refreshed(&session, 2, 3, later(10_000))).await;
    assert_eq!(after, Refreshed::Unknown);

    let session = begin(h, tenant.user, 1).await;
    for token in [1, 2] {
        refresh(h, refreshed(&session, token, token + 1, at)).await;
    }
    let old = refresh(h, refreshed(&session, 1, 2, at)).await;
    assert_eq!(old, Refreshed::Reused(tenant.user));
}

/// Of refreshes that race one replaces the token, and all get the same.
pub async fn racing_refreshes_agree(h: &Harness) {
    const CLIENTS: usize = 8;
    let tenant = tenant(h).await;
    let session = begin(h, tenant.user, 1).await;
    let (start, at) = (Arc::new(Barrier::new(CLIENTS)), now());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (store, start) = (h.shared(), Arc::clone(&start));
        let refresh = refreshed(&session, 1, 2, at);
        clients.spawn(async move {
            start.wait().await;
            store.refresh_session(refresh, someone()).await.unwrap()
        });
    }
    for answer in clients.join_all().await {
        assert_eq!(answer, ongoing(&tenant, 2, at + DAY));
    }
    assert!(goes_on(h, &tenant, &session).await);
}

/// A session is in an organisation of its person only, and who is refused keeps their token.
pub async fn a_session_needs_an_organisation(h: &Harness) {
    let (own, other) = (tenant(h).await, tenant(h).await);
    let session = begin(h, own.user, 1).await;
    for strange in [other.org, OrgId::generate(now())] {
        let begun = SignIn {
            org_id: Some(strange),
            ..sign_in(own.user, &new_session(9))
        };
        let begun = h.store().begin_session(begun, someone()).await.unwrap();
        assert_eq!(begun, BeginSession::NoOrg(NoOrg::NotAMember));
        let moved = RefreshSession {
            org_id: Some(strange),
            ..refreshed(&session, 1, 2, now())
        };
        let moved = refresh(h, moved).await;
        assert_eq!(moved, Refreshed::NoOrg(NoOrg::NotAMember));
    }
    let at = now();
    let stays = RefreshSession {
        org_id: Some(own.org),
        ..refreshed(&session, 1, 2, at)
    };
    assert_eq!(refresh(h, stays).await, ongoing(&own, 2, at + DAY));
    let elsewhere = h
        .store()
        .signed_in_user(other.org, own.user, Some(session.session_id));
    assert_eq!(elsewhere.await.unwrap(), None);
}

/// Sessions end one by one or together, and only those of the person who ends them.
pub async fn sessions_end(h: &Harness) {
    let (own, other) = (tenant(h).await, tenant(h).await);
    let (first, second) = (begin(h, own.user, 1).await, begin(h, own.user, 2).await);
    let theirs = begin(h, other.user, 3).await;
    let end = async |user: UserId, session: &NewSession| {
        let store = h.store();
        let ended = store.end_session(
            user,
            session.session_id,
            SessionEnd::SignedOut,
            now(),
            someone(),
        );
        ended.await.unwrap()
    };
    assert!(!end(other.user, &first).await);
    assert!(goes_on(h, &own, &first).await);
    assert!(end(own.user, &first).await);
    assert!(!end(own.user, &first).await);
    assert!(!goes_on(h, &own, &first).await);
    assert_eq!(
        refresh(h, refreshed(&first, 1, 9, now())).await,
        Refreshed::Unknown
    );
    assert!(goes_on(h, &own, &second).await);

    let at = now();
    h.store()
        .end_all_sessions(own.user, at, someone())
        .await
        .unwrap();
    assert!(!goes_on(h, &own, &second).await);
    assert!(goes_on(h, &other, &theirs).await);
    let known = h.store().signed_in_user(own.org, own.user, None).await;
    assert_eq!(known.unwrap().unwrap().signed_out_at, Some(at));
    let listed = h.store().sessions(own.user, at, first_page(9)).await;
    assert!(listed.unwrap().items.is_empty());
}

/// Who had begun to sign in when all sessions ended comes too late.
pub async fn an_outdated_sign_in_begins_nothing(h: &Harness) {
    let tenant = tenant(h).await;
    h.store()
        .end_all_sessions(tenant.user, now(), someone())
        .await
        .unwrap();
    let session = new_session(1);
    let begun = h
        .store()
        .begin_session(sign_in(tenant.user, &session), someone())
        .await;
    assert_eq!(begun.unwrap(), BeginSession::Outdated);
    assert!(!goes_on(h, &tenant, &session).await);
    let known = h.store().login_of(tenant.user).await.unwrap().unwrap();
    let begun = SignIn {
        signed_out_at: known.signed_out_at,
        ..sign_in(tenant.user, &session)
    };
    let begun = h.store().begin_session(begun, someone()).await.unwrap();
    assert_eq!(begun, BeginSession::Begun(tenant.org));
    let nobody = UserId::generate(now());
    let begun = h
        .store()
        .begin_session(sign_in(nobody, &session), someone())
        .await;
    assert_eq!(begun.unwrap(), BeginSession::Outdated);
}

/// A password is changed by who knows the old one, and ends all sessions but theirs.
pub async fn a_password_change_ends_sessions(h: &Harness) {
    let tenant = tenant(h).await;
    let (kept, other) = (
        begin(h, tenant.user, 1).await,
        begin(h, tenant.user, 2).await,
    );
    let old = h.store().login_of(tenant.user).await.unwrap().unwrap();
    let change = |old_hash: &str, new_hash: &str, keep| ChangePassword {
        user_id: tenant.user,
        old_hash: old_hash.to_owned(),
        new_hash: new_hash.to_owned(),
        keep,
        at: now(),
    };
    let wrong = h
        .store()
        .change_password(change("wrong", "x", None), someone())
        .await;
    assert!(!wrong.unwrap());
    assert!(goes_on(h, &tenant, &other).await);
    let keep = Some(kept.session_id);
    let changed = change(&old.password_hash, "new", keep);
    assert!(h.store().change_password(changed, someone()).await.unwrap());
    assert!(goes_on(h, &tenant, &kept).await);
    assert!(!goes_on(h, &tenant, &other).await);
    let known = h.store().find_login(&tenant.login).await.unwrap().unwrap();
    assert_eq!(known.password_hash, "new");
    assert!(known.signed_out_at.is_some());
    assert!(
        h.store()
            .change_password(change("new", "newer", None), someone())
            .await
            .unwrap()
    );
    assert!(!goes_on(h, &tenant, &kept).await);
}

/// A person gets names that nobody has, and leaves theirs to others.
pub async fn a_person_is_renamed(h: &Harness) {
    let (own, other) = (tenant(h).await, tenant(h).await);
    let known = h.store().login_of(own.user).await.unwrap().unwrap();
    let rename = async |login: Option<&str>, email: Option<&str>, hash: &str| {
        let rename = Rename {
            user_id: own.user,
            password_hash: hash.to_owned(),
            login: login.map(str::to_owned),
            email: email.map(str::to_owned),
        };
        h.store().rename_user(rename, someone()).await.unwrap()
    };
    let hash = known.password_hash.as_str();
    assert_eq!(
        rename(Some("x"), None, "another hash").await,
        Renamed::Outdated
    );
    let taken = other.login.to_uppercase();
    assert_eq!(rename(Some(&taken), None, hash).await, Renamed::Taken);
    assert_eq!(rename(None, Some(&other.email), hash).await, Renamed::Taken);
    let (shouted, new) = (own.login.to_uppercase(), format!("new-{}", own.email));
    assert_eq!(
        rename(Some(&shouted), Some(&new), hash).await,
        Renamed::Done
    );
    let found = h.store().find_login(&new).await.unwrap().unwrap();
    assert_eq!((found.login, found.email), (shouted, new.clone()));
    assert!(h.store().find_login(&own.email).await.unwrap().is_none());
    assert!(h.store().find_login(&own.login).await.unwrap().is_some());
    // A refused change has left nothing behind.
    let heir = NewAccount {
        email: own.email.clone(),
        ..new_account()
    };
    let created = h
        .store()
        .create_account(heir, None, someone())
        .await
        .unwrap();
    assert_eq!(done(created), CreateAccount::Created);
}

/// Lists have pages, and leave out what has run out; that is deleted in the end.
pub async fn old_sessions_are_left_out_and_deleted(h: &Harness) {
    let tenant = tenant(h).await;
    let mut sessions = Vec::new();
    for token in 1..=3 {
        sessions.push(begin(h, tenant.user, token).await);
    }
    let list = async |at, page| h.store().sessions(tenant.user, at, page).await.unwrap();
    let first = list(now(), first_page(2)).await;
    assert_eq!(first.items.len(), 2);
    let rest = list(now(), next_page(&first, 2)).await;
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert_eq!(rest.items[0].session_id, sessions[0].session_id);
    let ends = sessions[2].expires_at;
    assert!(list(ends, first_page(9)).await.items.is_empty());

    let delete = async |before, limit| h.store().delete_sessions(before, limit).await.unwrap();
    assert_eq!(delete(now(), 9).await.rows, 0);
    let step = delete(ends + DAY, 2).await;
    assert_eq!((step.rows, step.more), (2, true));
    assert_eq!(delete(ends + DAY, 2).await.rows, 1);
    assert!(!goes_on(h, &tenant, &sessions[0]).await);
}
