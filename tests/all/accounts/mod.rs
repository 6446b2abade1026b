//! Registering, signing in, API keys and what they may do.

mod browsers;
mod changes;
mod guesses;
mod secrets;
mod sessions;

use runloom_tests::{Answer, Client, Setup, both_stores};
use serde_json::{Value, json};

const PASSWORD: &str = "a long enough passphrase";

fn person(login: &str) -> Value {
    json!({ "login": login, "email": format!("{login}@example.com"), "password": PASSWORD })
}

/// Somebody's tokens.
struct SignedIn {
    client: Client,
    refresh: String,
}

impl SignedIn {
    fn new(base: &str, tokens: &Value) -> Self {
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        Self {
            client: Client::new(base, &text("access_token")),
            refresh: text("refresh_token"),
        }
    }

    /// Signs in by a name and its password.
    async fn login(base: &str, login: &str, password: &str) -> Self {
        let body = json!({ "login": login, "password": password });
        let answer = Client::anonymous(base).post("/v1/auth/login", &body).await;
        Self::new(base, &answer.expect(200))
    }

    /// Exchanges the refresh token.
    async fn refreshed(&self, base: &str) -> Answer {
        let body = json!({ "refresh_token": self.refresh });
        Client::anonymous(base)
            .post("/v1/auth/refresh", &body)
            .await
    }

    async fn is_in(&self) -> bool {
        let answer = self.client.get("/v1/me").await;
        if answer.status == 200 {
            return true;
        }
        answer.expect_error(401, "auth.unauthorized");
        false
    }
}

both_stores! {
    async fn a_person_registers_and_signs_in(store: Store) {
        let node = Setup::new(store).start().await;
        let anonymous = Client::anonymous(node.base());
        let answer = anonymous.post("/v1/auth/register", &person("ada")).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let new = answer.expect(201);
        let mut fields: Vec<&String> = new.as_object().expect("an object").keys().collect();
        fields.sort_unstable();
        assert_eq!(fields, ["access_token", "expires_in", "org_id", "refresh_expires_in",
            "refresh_token", "token_type", "user_id"]);
        assert_eq!((&new["token_type"], &new["expires_in"]), (&json!("bearer"), &json!(900)));
        for login in ["ada", "ADA", "ada@example.com", "Ada@Example.Com"] {
            let body = json!({ "login": login, "password": PASSWORD });
            let token = anonymous.post("/v1/auth/login", &body).await.expect(200);
            let client = Client::new(node.base(), token["access_token"].as_str().expect("a token"));
            let me = client.get("/v1/me").await.expect(200);
            assert_eq!(me["user_id"], new["user_id"]);
            assert_eq!((&me["login"], &me["role"]), (&json!("ada"), &json!("owner")));
        }
        for taken in [person("ada"), person("ADA"),
            json!({ "login": "other", "email": "ada@EXAMPLE.com", "password": PASSWORD })] {
            anonymous.post("/v1/auth/register", &taken).await.expect_error(409, "accounts.taken");
        }
    }

    async fn bad_passwords_and_unknown_people_look_the_same(store: Store) {
        let node = Setup::new(store).start().await;
        let anonymous = Client::anonymous(node.base());
        anonymous.post("/v1/auth/register", &person("ada")).await.expect(201);
        let mut answers = Vec::new();
        for login in ["ada", "nobody"] {
            let body = json!({ "login": login, "password": "not the passphrase" });
            let answer = anonymous.post("/v1/auth/login", &body).await;
            let mut error = answer.expect_error(401, "auth.bad_credentials");
            error["trace_id"] = Value::Null;
            answers.push(error);
        }
        assert_eq!(answers[0], answers[1]);
        for password in ["short", "password1", "12345678", &"x".repeat(257)] {
            let mut body = person("bob");
            body["password"] = json!(password);
            let error = anonymous.post("/v1/auth/register", &body).await
                .expect_error(422, "validation.error");
            assert!(error["details"]["password"].is_string(), "{error}");
            assert!(!error.to_string().contains(password), "{error}");
        }
    }

    async fn a_key_does_what_its_scopes_say_and_no_more(store: Store) {
        let node = Setup::new(store).start().await;
        let owner = node.client();
        let key = async |scopes: Value| {
            let body = json!({ "name": "k", "scopes": scopes });
            let key = owner.post("/v1/api-keys", &body).await.expect(201);
            let text = key["key"].as_str().expect("shown once").to_owned();
            assert!(text.starts_with(key["prefix"].as_str().expect("a prefix")));
            assert_eq!(text.len(), 55);
            Client::new(node.base(), &text)
        };
        let thread = owner.thread().await;
        let run = owner.run_in(&thread, &json!({})).await;
        owner.follow(&run).await;
        let reader = key(json!(["runs.read"])).await;
        reader.get(&format!("/v1/runs/{run}")).await.expect(200);
        assert_eq!(reader.log(&run).await, owner.log(&run).await);
        let forbidden = reader.cancel(&run).await.expect_error(403, "auth.forbidden");
        assert_eq!(forbidden["details"]["permission"], "runs.write");
        reader.get("/v1/threads").await.expect_error(403, "auth.forbidden");
        reader.post("/v1/api-keys", &json!({ "name": "x" })).await
            .expect_error(403, "auth.forbidden");
        let nothing = key(json!([])).await;
        nothing.get("/v1/runs").await.expect_error(403, "auth.forbidden");
        let writer = key(json!(["runs.write", "keys.manage"])).await;
        writer.run_in(&thread, &json!({})).await;
        let more = json!({ "name": "x", "scopes": ["audit.read"] });
        writer.post("/v1/api-keys", &more).await.expect_error(403, "auth.forbidden");
        let unknown = json!({ "name": "x", "scopes": ["runs.fly"] });
        owner.post("/v1/api-keys", &unknown).await.expect_error(422, "validation.error");
    }

    async fn a_revoked_key_stops_working(store: Store) {
        let node = Setup::new(store).start().await;
        let owner = node.client();
        let body = json!({ "name": "ci", "scopes": ["runs.read"] });
        let key = owner.post("/v1/api-keys", &body).await.expect(201);
        let client = Client::new(node.base(), key["key"].as_str().expect("a key"));
        client.get("/v1/runs").await.expect(200);
        let listed = owner.get("/v1/api-keys").await.expect(200);
        let row = listed.as_array().expect("an array").iter()
            .find(|row| row["id"] == key["id"]).expect("it is listed").clone();
        assert_eq!((&row["name"], &row["prefix"]), (&json!("ci"), &key["prefix"]));
        assert!(row.get("key").is_none());
        let path = format!("/v1/api-keys/{}", key["id"].as_str().expect("an id"));
        assert_eq!(owner.delete(&path).await.status, 204);
        client.get("/v1/runs").await.expect_error(401, "auth.unauthorized");
        owner.delete(&path).await.expect_error(404, "api_keys.not_found");
        let expired = json!({ "name": "old", "expires_at": "2020-01-01T00:00:00Z" });
        owner.post("/v1/api-keys", &expired).await.expect_error(422, "validation.error");
    }

    async fn tokens_and_keys_outlive_a_restart(store: Store) {
        let node = Setup::new(store).start().await;
        let ada = node.client().stranger("ada").await;
        let before = ada.get("/v1/me").await.expect(200);
        let node = node.terminate().await.restart().await;
        assert_eq!(ada.at(node.base()).get("/v1/me").await.expect(200), before);
        node.client().get("/v1/me").await.expect(200);
    }

    async fn signing_in_answers_exactly_this(store: Store) {
        let node = Setup::new(store).start().await;
        let anonymous = Client::anonymous(node.base());
        let new = anonymous.post("/v1/auth/register", &person("ada")).await.expect(201);
        let body = json!({ "login": "ada", "password": PASSWORD });
        let answer = anonymous.post("/v1/auth/login", &body).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let token = answer.expect(200);
        assert_eq!(token, json!({
            "access_token": token["access_token"], "token_type": "bearer", "expires_in": 900,
            "refresh_token": token["refresh_token"], "refresh_expires_in": 2_592_000 }));
        let client = Client::new(node.base(), token["access_token"].as_str().expect("a token"));
        let me = client.get("/v1/me").await.expect(200);
        assert_eq!(me, json!({
            "user_id": new["user_id"], "org_id": new["org_id"], "login": "ada",
            "email": "ada@example.com", "role": "owner", "created_at": me["created_at"],
            "session_id": me["session_id"],
            "permissions": ["runs.read", "runs.write", "threads.read", "threads.write",
                "personas.manage", "routes.manage", "tools.manage", "members.manage",
                "keys.manage", "usage.read", "audit.read"],
        }));
        assert!(me["session_id"].is_string());
        assert!(node.client().get("/v1/me").await.expect(200)["session_id"].is_null());
        for bad in [json!({}), json!({ "login": "ada" }), json!({ "login": 7, "password": "x" }),
            json!({ "login": "ada", "password": PASSWORD, "email": "x" })] {
            anonymous.post("/v1/auth/login", &bad).await.expect_error(422, "validation.error");
        }
    }

    async fn an_api_key_shows_exactly_this(store: Store) {
        let node = Setup::new(store).start().await;
        let owner = node.client();
        let me = owner.get("/v1/me").await.expect(200);
        let ends = "2100-01-01T00:00:00.000Z";
        let body = json!({ "name": "ci", "scopes": ["runs.read"], "expires_at": ends });
        let answer = owner.post("/v1/api-keys", &body).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let key = answer.expect(201);
        let text = key["key"].as_str().expect("shown once").to_owned();
        let shown = json!({
            "id": key["id"], "user_id": me["user_id"], "name": "ci", "prefix": text[..11],
            "scopes": ["runs.read"], "expires_at": ends, "last_used_at": null,
            "created_at": key["created_at"],
        });
        let mut with_secret = shown.clone();
        with_secret["key"] = json!(text);
        assert_eq!(key, with_secret);
        let (start, secret) = (&text[..12], &text[12..]);
        assert!(start.starts_with("rl_") && start.ends_with('_') && secret.len() == 43, "{start}");
        let listed = owner.get("/v1/api-keys").await.expect(200);
        assert_eq!(listed[0], shown);
        Client::new(node.base(), &text).get("/v1/runs").await.expect(200);
        // Its use is noted beside the request, not within it.
        loop {
            let listed = owner.get("/v1/api-keys").await.expect(200);
            if listed[0]["last_used_at"].is_string() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}
