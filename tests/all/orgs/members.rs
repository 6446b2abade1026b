//! Members: their roles, their going, and the owner who stays.

use runloom_tests::{Setup, both_stores};
use serde_json::json;

use super::{PASSWORD, colleague, id, user_id};

both_stores! {
    async fn members_change_and_go(store: Store) {
        let node = Setup::new(store).start().await;
        let owner = node.client();
        let (bob, eve) = (
            colleague(&owner, "bob", "admin").await,
            colleague(&owner, "eve", "member").await,
        );
        let (boss, bobs, eves) = (user_id(&owner).await, user_id(&bob).await, user_id(&eve).await);
        let path = |user: &str| format!("/v1/members/{user}");
        let page = bob.get("/v1/members?limit=2").await;
        let next = page.header("x-next-cursor").to_owned();
        let page = page.expect(200);
        assert_eq!(page[0], json!({
            "user_id": eves, "login": "eve", "email": "eve@example.com", "role": "member",
            "kind": "person", "created_at": page[0]["created_at"],
        }));
        assert_eq!(bob.get(&path(&eves)).await.expect(200), page[0]);
        let last = bob.get(&format!("/v1/members?limit=2&before={next}")).await.expect(200);
        assert_eq!(last[0]["user_id"], json!(boss));
        eve.get("/v1/members").await.expect_error(403, "auth.forbidden");

        // Nobody reaches above themselves.
        let role = |role: &str| json!({ "role": role });
        for (user, to) in [(&eves, "owner"), (&boss, "viewer"), (&bobs, "owner")] {
            bob.patch(&path(user), &role(to)).await.expect_error(403, "members.role_above_own");
        }
        bob.delete(&path(&boss)).await.expect_error(403, "members.role_above_own");
        eve.delete(&path(&bobs)).await.expect_error(403, "auth.forbidden");
        let changed = bob.patch(&path(&eves), &role("viewer")).await.expect(200);
        assert_eq!(changed["role"], "viewer");
        eve.post("/v1/threads", &json!({})).await.expect_error(403, "auth.forbidden");
        bob.patch(&path(&eves), &role("member")).await.expect(200);

        // Her keys go with her, and what she has made stays.
        let key = json!({ "name": "k", "scopes": ["threads.read"] });
        let key = id(&eve.post("/v1/api-keys", &key).await.expect(201)["key"]);
        let by_key = eve.with_token(&key);
        let thread = format!("/v1/threads/{}", eve.thread().await);
        by_key.delete(&path(&eves)).await.expect_error(403, "auth.forbidden");
        assert_eq!(bob.delete(&path(&eves)).await.status, 204);
        for gone in [&eve, &by_key] {
            gone.get("/v1/me").await.expect_error(401, "auth.unauthorized");
        }
        bob.delete(&path(&eves)).await.expect_error(404, "members.not_found");
        let kept = bob.get(&thread).await.expect(200);
        assert_eq!(kept["created_by_user_id"], json!(eves));

        // The last owner stays until there is another one.
        for (refused, method) in [
            (owner.patch(&path(&boss), &role("admin")).await, "demoted"),
            (owner.delete(&path(&boss)).await, "removed"),
        ] {
            assert_eq!(refused.status, 409, "{method}");
            refused.expect_error(409, "members.last_owner");
        }
        owner.patch(&path(&bobs), &role("owner")).await.expect(200);
        let (one, other, admin) = (path(&boss), path(&bobs), role("admin"));
        let (a, b) = tokio::join!(bob.patch(&one, &admin), bob.patch(&other, &admin));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200, "{} {}", a.body, b.body);
        assert!([403, 409].contains(&statuses[1]), "{} {}", a.body, b.body);
    }

    async fn an_organisation_is_made_changed_and_left(store: Store) {
        let node = Setup::new(store).start().await;
        let ada = node.client().stranger("ada").await;
        node.client().post("/v1/orgs", &json!({ "name": "x" })).await
            .expect_error(403, "auth.person_needed");
        let body = json!({ "name": "Second" });
        let second = ada.post_once("/v1/orgs", "k", &body).await.expect(201);
        assert_eq!(second, json!({ "id": second["id"], "name": "Second", "role": "owner",
            "created_at": second["created_at"] }));
        let again = ada.post_once("/v1/orgs", "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        let orgs = ada.get("/v1/orgs").await.expect(200);
        assert_eq!((orgs.as_array().map(Vec::len), &orgs[0]), (Some(2), &second));

        let shown = ada.get("/v1/org").await;
        assert_eq!(shown.header("etag"), "\"1\"");
        let shown = shown.expect(200);
        assert_eq!(shown, json!({ "id": shown["id"], "name": "ada", "run_visibility": "org",
            "event_retention_days": null, "created_at": shown["created_at"] }));
        let patch = async |tag: &str, body| {
            let request = ada.request(reqwest::Method::PATCH, "/v1/org").header("If-Match", tag);
            ada.send(request.json(&body)).await
        };
        let renamed = patch("\"1\"", json!({ "name": "Home" })).await;
        assert_eq!(renamed.header("etag"), "\"2\"");
        assert_eq!(renamed.expect(200)["name"], "Home");
        patch("\"1\"", json!({ "name": "Other" })).await.expect_error(412, "precondition.failed");
        patch("*", json!({ "run_visibility": "none", "event_retention_days": 1 })).await
            .expect_error(422, "validation.error");

        // Whoever leaves signs in to what is left.
        let boss = user_id(&ada).await;
        let heir = colleague(&ada, "heir", "owner").await;
        assert_eq!(ada.delete(&format!("/v1/members/{boss}")).await.status, 204);
        ada.get("/v1/me").await.expect_error(401, "auth.unauthorized");
        let login = json!({ "login": "ada", "password": PASSWORD });
        let token = ada.post("/v1/auth/login", &login).await.expect(200);
        let ada = ada.with_token(&id(&token["access_token"]));
        assert_eq!(ada.get("/v1/org").await.expect(200)["name"], "Second");
        assert_eq!(heir.get("/v1/org").await.expect(200)["name"], "Home");
    }
}
