//! Sessions of pages in a browser, whose refresh token is in a cookie.

use reqwest::Method;
use runloom_tests::{Answer, Client, Setup, Store};
use serde_json::{Value, json};

use super::{PASSWORD, person};

const APP: &str = "https://app.example.com";

/// A page and what its browser would send for it.
struct Page {
    client: Client,
    cookie: String,
    headers: Vec<(&'static str, String)>,
}

impl Page {
    async fn post(&self, path: &str, body: &Value) -> Answer {
        let mut request = self.client.request(Method::POST, path).json(body);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.cookie.is_empty() {
            let line = format!("theme=dark; __Secure-runloom_refresh={}", self.cookie);
            request = request.header("cookie", line);
        }
        self.client.send(request).await
    }

    /// Keeps the cookie of an answer, which must be one that nobody but this server gets.
    fn keep(&mut self, answer: &Answer) {
        let line = answer.header("set-cookie").to_owned();
        let (pair, attributes) = line.split_once("; ").expect("attributes");
        let lifetime = if pair.ends_with('=') { 0 } else { 2_592_000 };
        assert_eq!(
            attributes,
            format!("Max-Age={lifetime}; Path=/v1/auth; HttpOnly; Secure; SameSite=Strict")
        );
        let value = pair.strip_prefix("__Secure-runloom_refresh=");
        value.expect("our cookie").clone_into(&mut self.cookie);
    }

    fn from(&self, headers: &[(&'static str, &str)]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Self {
            client: self.client.clone(),
            cookie: self.cookie.clone(),
            headers: headers.collect(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refresh_token_stays_in_its_cookie() {
    let node = Setup::new(Store::Sqlite)
        .variable("RUNLOOM_ALLOWED_ORIGINS", APP)
        .start()
        .await;
    let nobody = Page {
        client: Client::anonymous(node.base()),
        cookie: String::new(),
        headers: Vec::new(),
    };
    let own = node.base().to_owned();
    let mut page = nobody.from(&[("origin", &own), ("sec-fetch-site", "same-origin")]);
    let mut body = person("ada");
    body["cookie"] = json!(true);
    let answer = page.post("/v1/auth/register", &body).await;
    page.keep(&answer);
    let new = answer.expect(201);
    assert!(new["refresh_token"].is_null() && new["access_token"].is_string());

    let first = page.cookie.clone();
    let answer = page.post("/v1/auth/refresh", &json!({})).await;
    page.keep(&answer);
    assert_ne!(page.cookie, first);
    assert!(answer.expect(200)["refresh_token"].is_null());

    // Other sites' pages get nowhere with it, and change nothing.
    let login = json!({ "login": "ada", "password": PASSWORD, "cookie": true });
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        let evil = page.from(headers);
        for (path, body) in [
            ("/v1/auth/refresh", &json!({})),
            ("/v1/auth/logout", &json!({ "everywhere": true })),
            ("/v1/auth/login", &login),
        ] {
            let refused = evil.post(path, body).await;
            assert_eq!(refused.header("set-cookie"), "");
            refused.expect_error(403, "auth.origin_refused");
        }
    }

    let app = page.from(&[("origin", APP), ("sec-fetch-site", "cross-site")]);
    let answer = app.post("/v1/auth/refresh", &json!({})).await;
    page.keep(&answer);
    let tokens = answer.expect(200);
    let client = Client::new(
        node.base(),
        tokens["access_token"].as_str().expect("a token"),
    );
    client.get("/v1/me").await.expect(200);
    // The cookie alone opens nothing else.
    page.client
        .get("/v1/me")
        .await
        .expect_error(401, "auth.unauthorized");
    let answer = page.post("/v1/auth/logout", &json!({})).await;
    assert_eq!(answer.status, 204);
    let ended = page.from(&[]);
    page.keep(&answer);
    assert_eq!(page.cookie, "");
    client
        .get("/v1/me")
        .await
        .expect_error(401, "auth.unauthorized");
    let refused = ended.post("/v1/auth/refresh", &json!({})).await;
    refused.expect_error(401, "auth.unauthorized");
}
