//! Service accounts: members with keys and no login.

use runloom_tests::{Setup, both_stores, script, text};
use serde_json::json;

use super::{PASSWORD, colleague, id};

both_stores! {
    async fn a_service_account_works_by_its_keys_alone(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let owner = node.client();
        let body = json!({ "name": "ci", "role": "member" });
        let ci = owner.post_once("/v1/service-accounts", "k", &body).await.expect(201);
        assert_eq!(ci, json!({ "id": ci["id"], "name": "ci", "role": "member",
            "created_at": ci["created_at"] }));
        let again = owner.post_once("/v1/service-accounts", "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        let path = format!("/v1/service-accounts/{}", id(&ci["id"]));
        assert_eq!(owner.get(&path).await.expect(200), ci);
        assert_eq!(owner.get("/v1/service-accounts").await.expect(200), json!([ci]));
        let member = owner.get("/v1/members").await.expect(200)[0].clone();
        assert_eq!((&member["user_id"], &member["kind"]), (&ci["id"], &json!("service")));
        assert_eq!((&member["login"], &member["email"]), (&json!("ci"), &json!(null)));
        for password in ["", PASSWORD] {
            let login = json!({ "login": "ci", "password": password });
            let refused = owner.post("/v1/auth/login", &login).await;
            assert!([401, 422].contains(&refused.status), "{}", refused.body);
        }

        let key = async |by: &runloom_tests::Client, scopes: &[&str]| {
            let body = json!({ "name": "k", "user_id": ci["id"], "scopes": scopes });
            by.post("/v1/api-keys", &body).await
        };
        let made = key(&owner, &["runs.write", "runs.read", "threads.write"]).await.expect(201);
        assert_eq!(made["user_id"], ci["id"]);
        let by_ci = owner.with_token(&id(&made["key"]));
        let run = by_ci.run(&json!({ "input": "go" })).await;
        by_ci.follow(&run).await;
        let me = by_ci.get("/v1/me").await.expect(200);
        assert_eq!((&me["login"], &me["email"]), (&json!("ci"), &json!(null)));
        let listed = owner.get("/v1/runs").await.expect(200)[0].clone();
        assert_eq!(listed["created_by_user_name"], "ci");
        assert_eq!(listed["created_by_email"], json!(null));
        by_ci.post("/v1/invitations:accept", &json!({ "token": "x" })).await
            .expect_error(403, "auth.person_needed");

        key(&owner, &["members.manage"]).await.expect_error(422, "validation.error");
        let eve = colleague(&owner, "eve", "member").await;
        key(&eve, &["runs.read"]).await.expect_error(403, "auth.forbidden");
        let body = json!({ "name": "k", "user_id": uuid::Uuid::now_v7() });
        owner.post("/v1/api-keys", &body).await.expect_error(422, "service_accounts.not_found");
        let admin = colleague(&owner, "bob", "admin").await;
        admin.post("/v1/service-accounts", &json!({ "name": "x", "role": "owner" })).await
            .expect_error(403, "members.role_above_own");

        let patch = json!({ "name": "nightly", "role": "viewer" });
        let changed = admin.patch(&path, &patch).await.expect(200);
        assert_eq!((&changed["name"], &changed["role"]), (&json!("nightly"), &json!("viewer")));
        by_ci.post("/v1/threads", &json!({})).await.expect_error(403, "auth.forbidden");
        assert_eq!(admin.delete(&path).await.status, 204);
        by_ci.get("/v1/me").await.expect_error(401, "auth.unauthorized");
        for gone in [admin.get(&path).await, admin.delete(&path).await] {
            gone.expect_error(404, "service_accounts.not_found");
        }
    }
}
