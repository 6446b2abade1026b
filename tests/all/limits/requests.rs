use reqwest::Method;
use runloom_tests::{Answer, Client, Setup, Store};
use serde_json::json;

/// More than any limit of these tests, with what comes back while they run.
const MANY: usize = 100;

/// Asks until it is too much, and returns how often it wasn't, and the refusal.
async fn exhaust(ask: impl AsyncFn() -> Answer) -> (usize, Answer) {
    for passed in 0..MANY {
        let answer = ask().await;
        if answer.status == 429 {
            return (passed, answer);
        }
    }
    panic!("nothing is too much");
}

/// Asks without a credential by way of a proxy that says so.
async fn by_proxy(client: &Client, forwarded_for: &str) -> Answer {
    let request = client.request(Method::GET, "/v1/me");
    client
        .send(request.header("X-Forwarded-For", forwarded_for))
        .await
}

#[tokio::test]
async fn requests_are_limited_by_key_person_organisation_and_address() {
    let node = Setup::new(Store::Sqlite)
        .variable("RUNLOOM_REQUESTS_PER_KEY", "10")
        .variable("RUNLOOM_REQUESTS_PER_USER", "20")
        .variable("RUNLOOM_REQUESTS_PER_ORG", "30")
        .variable("RUNLOOM_REQUESTS_PER_ADDRESS", "4")
        .variable("RUNLOOM_TRUSTED_PROXIES", "127.0.0.0/8");
    let mut node = node.start().await;
    let client = node.client();
    let body = json!({ "name": "other", "scopes": ["threads.read", "keys.manage"] });
    let other = client.post("/v1/api-keys", &body).await;
    assert_eq!(
        other.header("ratelimit-policy"),
        "\"key\";q=10;w=60, \"user\";q=20;w=60, \"org\";q=30;w=60"
    );
    assert_eq!(other.header("ratelimit-limit"), "10");
    let remaining: u32 = other
        .header("ratelimit-remaining")
        .parse()
        .expect("a number");
    assert!(remaining < 10, "{remaining}");
    let other = other.expect(201)["key"].as_str().expect("a key").to_owned();

    let (passed, refused) = exhaust(|| client.get("/v1/me")).await;
    assert!((5..15).contains(&passed), "{passed}");
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=6).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit"), "\"key\";r=0;t=60");
    refused.expect_error(429, "service.rate_limited");

    // The person's other key has its own quota and shares theirs.
    let other = client.with_token(&other);
    let (passed, refused) = exhaust(|| other.get("/v1/me")).await;
    assert!((3..15).contains(&passed), "{passed}");
    assert!(refused.header("ratelimit").contains("\"user\";r=0") || passed >= 10);
    refused.expect_error(429, "service.rate_limited");

    let nobody = Client::anonymous(node.base());
    let one = "203.0.113.7";
    let (passed, refused) = exhaust(|| by_proxy(&nobody, one)).await;
    assert!((4..6).contains(&passed), "{passed}");
    assert_eq!(refused.header("ratelimit-policy"), "\"address\";q=4;w=60");
    refused.expect_error(429, "service.rate_limited");
    // Neither does a made-up address help, nor a bad credential; others aren't touched.
    let made_up = by_proxy(&nobody, "198.51.100.1, 203.0.113.7").await;
    made_up.expect_error(429, "service.rate_limited");
    let guess = by_proxy(&nobody.with_token("rl_12345678_x"), one).await;
    guess.expect_error(429, "service.rate_limited");
    by_proxy(&nobody, "203.0.113.8")
        .await
        .expect_error(401, "auth.unauthorized");
    let health = nobody
        .request(Method::GET, "/readyz")
        .header("X-Forwarded-For", one);
    nobody.send(health).await.expect(200);

    let line = node.logged(one).await;
    assert!(line.contains("\"client\":\"203.0.113.7\""), "{line}");
}

#[tokio::test]
async fn without_limits_nothing_is_counted_and_nobody_believed() {
    let mut node = Setup::new(Store::Sqlite).start().await;
    let client = node.client();
    for _ in 0..MANY {
        client.get("/v1/me").await.expect(200);
    }
    let answer = client.get("/v1/me").await;
    assert_eq!(answer.header("ratelimit"), "");
    assert_eq!(answer.header("ratelimit-limit"), "");
    by_proxy(&Client::anonymous(node.base()), "203.0.113.7")
        .await
        .expect(401);
    let line = node.logged("\"status\":401").await;
    assert!(line.contains("\"client\":\"127.0.0.1\""), "{line}");
}
