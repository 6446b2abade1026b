//! Sessions: how they go on, what they work in, and how they end.

use std::time::{Duration, Instant};

use runloom_tests::{Client, MASTER_KEY, Setup, Store, both_stores};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{PASSWORD, SignedIn, person};

/// What the same refresh token gets when it is presented twenty times at once.
async fn twenty_times(signed_in: &SignedIn, bases: [&str; 2]) -> Vec<Value> {
    let mut asked = JoinSet::new();
    for number in 0..20 {
        let client = Client::anonymous(bases[number % 2]);
        let body = json!({ "refresh_token": signed_in.refresh });
        asked.spawn(async move { client.post("/v1/auth/refresh", &body).await.expect(200) });
    }
    asked.join_all().await
}

both_stores! {
    async fn a_session_goes_on_until_it_ends(store: Store) {
        let node = Setup::new(store).start().await;
        let base = node.base();
        let anonymous = Client::anonymous(base);
        let new = anonymous.post("/v1/auth/register", &person("ada")).await.expect(201);
        let ada = SignedIn::new(base, &new);
        let session = ada.client.get("/v1/me").await.expect(200)["session_id"].clone();

        let answers = twenty_times(&ada, [base, base]).await;
        let next = SignedIn::new(base, &answers[0]);
        assert!(answers.iter().all(|answer| answer["refresh_token"] == next.refresh.as_str()));
        let me = next.client.get("/v1/me").await.expect(200);
        assert_eq!(me["session_id"], session, "the session lives on");
        assert!(ada.is_in().await, "until its access token ends");

        let there = SignedIn::login(base, "ada", PASSWORD).await;
        let listed = next.client.get("/v1/me/sessions").await.expect(200);
        assert_eq!(listed.as_array().expect("an array").len(), 2);
        let row = &listed[1];
        assert_eq!(*row, json!({
            "id": session, "org_id": new["org_id"], "current": true,
            "created_at": row["created_at"], "last_used_at": row["last_used_at"],
            "expires_at": row["expires_at"] }));
        let other = format!("/v1/me/sessions/{}", listed[0]["id"].as_str().expect("an id"));
        assert_eq!(next.client.delete(&other).await.status, 204);
        next.client.delete(&other).await.expect_error(404, "sessions.not_found");
        assert!(!there.is_in().await);
        there.refreshed(base).await.expect_error(401, "auth.unauthorized");

        // The one before the previous is in the wrong hands.
        let third = SignedIn::new(base, &next.refreshed(base).await.expect(200));
        ada.refreshed(base).await.expect_error(401, "auth.unauthorized");
        assert!(!third.is_in().await);
        third.refreshed(base).await.expect_error(401, "auth.unauthorized");
        for bad in [json!({}), json!({ "refresh_token": "rlr_x" })] {
            anonymous.post("/v1/auth/refresh", &bad).await.expect_error(401, "auth.unauthorized");
        }
    }

    async fn signing_out_here_and_everywhere(store: Store) {
        let node = Setup::new(store).start().await;
        let base = node.base();
        let anonymous = Client::anonymous(base);
        let key = node.client();
        anonymous.post("/v1/auth/register", &person("ada")).await.expect(201);
        let here = SignedIn::login(base, "ada", PASSWORD).await;
        let there = SignedIn::login(base, "ada", PASSWORD).await;
        let third = SignedIn::login(base, "ada", PASSWORD).await;
        assert_eq!(here.client.post_nothing("/v1/auth/logout").await.status, 204);
        assert!(!here.is_in().await && there.is_in().await);
        here.client.post_nothing("/v1/auth/logout").await.expect_error(401, "auth.unauthorized");
        let by_token = json!({ "refresh_token": there.refresh });
        for _ in 0..2 {
            assert_eq!(anonymous.post("/v1/auth/logout", &by_token).await.status, 204);
        }
        assert!(!there.is_in().await && third.is_in().await);
        let fourth = SignedIn::login(base, "ada", PASSWORD).await;
        let everywhere = json!({ "everywhere": true });
        assert_eq!(third.client.post("/v1/auth/logout", &everywhere).await.status, 204);
        assert!(!third.is_in().await && !fourth.is_in().await);
        fourth.refreshed(base).await.expect_error(401, "auth.unauthorized");
        // An API key has no session, and no say in its owner's.
        key.post("/v1/auth/logout", &everywhere).await.expect_error(403, "auth.person_needed");
        key.get("/v1/me/sessions").await.expect_error(403, "auth.person_needed");
        anonymous.post_nothing("/v1/auth/logout").await.expect_error(401, "auth.unauthorized");
    }
}

/// Two nodes hand out the same successor, and each notices what happens on the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_agree_on_a_session() {
    let node = Setup::new(Store::Postgres)
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    let peer = node.peer("second").await;
    let new = Client::anonymous(node.base())
        .post("/v1/auth/register", &person("ada"))
        .await;
    let ada = SignedIn::new(node.base(), &new.expect(201));
    let answers = twenty_times(&ada, [node.base(), peer.base()]).await;
    let next = SignedIn::new(peer.base(), &answers[0]);
    for answer in &answers {
        assert_eq!(answer["refresh_token"], next.refresh.as_str());
    }
    assert!(next.is_in().await);
    let there = next.client.at(node.base());
    assert_eq!(there.post_nothing("/v1/auth/logout").await.status, 204);
    let ended = Instant::now();
    while next.is_in().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = ended.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// Makes a person a member of another's organisation.
async fn join(node: &runloom_tests::Node, user: &Value, org: &Value) {
    let id = |value: &Value| {
        let text = value.as_str().expect("an id");
        uuid::Uuid::parse_str(text).expect("a UUID").to_string()
    };
    let sql = format!(
        "INSERT INTO memberships (org_id, user_id, role, created_at)
        VALUES ('{}', '{}', 'member', now())",
        id(org),
        id(user)
    );
    let session = node.data().session().await;
    session.batch_execute(&sql).await.expect("a member");
}

/// A person of two organisations works in one of them at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_in_one_organisation() {
    let node = Setup::new(Store::Postgres).start().await;
    let base = node.base();
    let anonymous = Client::anonymous(base);
    let register = async |login| {
        let answer = anonymous.post("/v1/auth/register", &person(login)).await;
        answer.expect(201)
    };
    let (ada, bob) = (register("ada").await, register("bob").await);
    let (own, others) = (&ada["org_id"], &bob["org_id"]);
    let login = async |org: &Value| {
        let body = json!({ "login": "ada", "password": PASSWORD, "org_id": org });
        anonymous.post("/v1/auth/login", &body).await
    };
    let works_in = async |tokens: &Value| {
        let client = Client::new(base, tokens["access_token"].as_str().expect("a token"));
        let me = client.get("/v1/me").await.expect(200);
        (me["org_id"].clone(), me["role"].clone())
    };
    login(others).await.expect_error(404, "orgs.not_found");
    join(&node, &ada["user_id"], others).await;

    let there = login(others).await.expect(200);
    assert_eq!(works_in(&there).await, (others.clone(), json!("member")));
    // Where they were last they come back to.
    let again = login(&Value::Null).await.expect(200);
    assert_eq!(works_in(&again).await.0, *others);
    let body = json!({ "refresh_token": again["refresh_token"], "org_id": own });
    let moved = anonymous.post("/v1/auth/refresh", &body).await.expect(200);
    assert_eq!(works_in(&moved).await, (own.clone(), json!("owner")));
    let strange = json!({
        "refresh_token": moved["refresh_token"], "org_id": uuid::Uuid::now_v7().to_string() });
    anonymous
        .post("/v1/auth/refresh", &strange)
        .await
        .expect_error(404, "orgs.not_found");

    // Nobody decides alone of who is in another organisation too.
    let bob = Client::new(base, bob["access_token"].as_str().expect("a token"));
    let path = |user: &Value| {
        format!(
            "/v1/members/{}:reset-password",
            user.as_str().expect("an id")
        )
    };
    bob.post_nothing(&path(&ada["user_id"]))
        .await
        .expect_error(409, "members.elsewhere_too");

    // Who has left all can't come in.
    let session = node.data().session().await;
    let left = "DELETE FROM memberships WHERE role = 'member';
        DELETE FROM memberships USING users
        WHERE memberships.user_id = users.user_id AND users.login = 'ada'";
    session.batch_execute(left).await.expect("nobody is left");
    login(&Value::Null)
        .await
        .expect_error(403, "auth.no_organisation");
    let body = json!({ "refresh_token": moved["refresh_token"] });
    anonymous
        .post("/v1/auth/refresh", &body)
        .await
        .expect_error(403, "auth.no_organisation");
}
