//! What people change of their accounts, and what that ends.

use std::sync::Arc;

use runloom_tests::{Client, Setup, both_stores, xtask};
use serde_json::json;

use super::{PASSWORD, SignedIn, person};

const NEW: &str = "another long passphrase";

both_stores! {
    async fn a_password_is_changed_and_reset(store: Store) {
        let node = Setup::new(store).start().await;
        let base = node.base();
        let anonymous = Client::anonymous(base);
        let new = anonymous.post("/v1/auth/register", &person("ada")).await.expect(201);
        let here = SignedIn::new(base, &new);
        let there = SignedIn::login(base, "ada", PASSWORD).await;
        let change = |current: &str, new: &str| {
            json!({ "current_password": current, "new_password": new })
        };
        let path = "/v1/me/password";
        here.client.post(path, &change("wrong", NEW)).await
            .expect_error(403, "auth.wrong_password");
        let error = here.client.post(path, &change(PASSWORD, "short")).await
            .expect_error(422, "validation.error");
        assert!(error["details"]["new_password"].is_string(), "{error}");
        node.client().post(path, &change(PASSWORD, NEW)).await
            .expect_error(403, "auth.person_needed");
        assert_eq!(here.client.post(path, &change(PASSWORD, NEW)).await.status, 204);
        assert!(here.is_in().await && !there.is_in().await);
        there.refreshed(base).await.expect_error(401, "auth.unauthorized");
        let old = json!({ "login": "ada", "password": PASSWORD });
        anonymous.post("/v1/auth/login", &old).await.expect_error(401, "auth.bad_credentials");
        SignedIn::login(base, "ada", NEW).await;

        let me = new["user_id"].as_str().expect("an id");
        let issue = format!("/v1/members/{me}:reset-password");
        node.client().post_nothing(&issue).await.expect_error(404, "members.not_found");
        let answer = here.client.post_once(&issue, "k", &json!({})).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let issued = answer.expect(201);
        let repeated = here.client.post_once(&issue, "k", &json!({})).await;
        assert_eq!(repeated.header("idempotency-replayed"), "true");
        let repeated = repeated.expect(201);
        assert!(repeated["token"].is_null());
        assert_eq!(repeated["expires_at"], issued["expires_at"]);
        let token = issued["token"].as_str().expect("a token");
        let reset = json!({ "token": token, "new_password": PASSWORD });
        let weak = json!({ "token": token, "new_password": "password1" });
        anonymous.post("/v1/auth/reset", &weak).await.expect_error(422, "validation.error");
        assert_eq!(anonymous.post("/v1/auth/reset", &reset).await.status, 204);
        assert!(!here.is_in().await);
        anonymous.post("/v1/auth/reset", &reset).await.expect_error(422, "auth.reset_invalid");
        SignedIn::login(base, "ada", PASSWORD).await;
    }

    async fn names_are_changed(store: Store) {
        let node = Setup::new(store).start().await;
        let base = node.base();
        let anonymous = Client::anonymous(base);
        let new = anonymous.post("/v1/auth/register", &person("ada")).await.expect(201);
        anonymous.post("/v1/auth/register", &person("bob")).await.expect(201);
        let ada = SignedIn::new(base, &new).client;
        let before = ada.get("/v1/me").await.expect(200);
        for (patch, status, code) in [
            (json!({ "login": "eve" }), 422, "validation.error"),
            (json!({ "login": "a b", "current_password": PASSWORD }), 422, "validation.error"),
            (json!({ "login": "eve", "current_password": "wrong" }), 403, "auth.wrong_password"),
            (json!({ "login": "BOB", "current_password": PASSWORD }), 409, "accounts.taken"),
        ] {
            ada.patch("/v1/me", &patch).await.expect_error(status, code);
        }
        let patch = json!({
            "login": "countess", "email": "c@example.org", "current_password": PASSWORD });
        let after = ada.patch("/v1/me", &patch).await.expect(200);
        let mut expected = before;
        expected["login"] = json!("countess");
        expected["email"] = json!("c@example.org");
        assert_eq!(after, expected);
        assert_eq!(ada.get("/v1/me").await.expect(200), expected);
        SignedIn::login(base, "C@example.org", PASSWORD).await;
        anonymous.post("/v1/auth/register", &person("ada")).await.expect(201);
        // An operator resets the password of a stopped server on SQLite, of any on PostgreSQL.
        let data = Arc::clone(node.data());
        let stopped = node.terminate().await;
        let folder = data.folder().join("data");
        let (option, value) = match data.database_url() {
            Some(url) => ("--database-url", url),
            None => ("--data-dir", folder.to_str().expect("UTF-8").to_owned()),
        };
        let outcome = xtask(&["accounts", "reset", "Countess", option, &value]).await.expect();
        let token = outcome.lines().find(|line| line.starts_with("rlp_")).expect("a token");
        let nobody = xtask(&["accounts", "reset", "nobody", option, &value]).await;
        assert!(!nobody.success && nobody.text.contains("nobody is called nobody"));
        // Whoever may not register is told why.
        let node = stopped.restart_with(|setup| setup.variable("RUNLOOM_REGISTRATION", "closed")).await;
        let anonymous = Client::anonymous(node.base());
        anonymous.post("/v1/auth/register", &person("eve")).await
            .expect_error(403, "auth.registration_closed");
        let reset = json!({ "token": token, "new_password": NEW });
        assert_eq!(anonymous.post("/v1/auth/reset", &reset).await.status, 204);
        SignedIn::login(node.base(), "countess", NEW).await;
    }
}
