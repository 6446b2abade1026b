//! `http_request` in runs: the guard, the operator and the persona each have a say.

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{both_stores, script, text};
use serde_json::{Value, json};

use super::{results, setup};

/// A turn that asks for these URLs.
fn asks(urls: &[&str]) -> Value {
    let call = |url: &&str| json!({ "tool_call": { "name": "http_request", "arguments": { "url": url } } });
    urls.iter().map(call).collect()
}

both_stores! {
    async fn a_run_reaches_what_all_three_allow(store: Store) {
        let there = Provider::start([Reply::whole(200, "a page")]).await;
        let base = there.url();
        let urls = [
            &format!("{base}/docs/a"),
            &format!("{base}/private"),
            "http://localhost:9/v1/docs/a",
            "http://169.254.169.254/v1/docs/a",
        ];
        let node = setup(store).scripted("m", script([asks(&urls), text("done")]))
            .variable("RUNLOOM_HTTP_REQUEST_ALLOW", "127.0.0.1,169.254.169.254").start().await;
        let client = node.client();
        let mut persona = json!({ "key": "worker", "prompt": "x", "tools": ["http_request"],
            "http_allow": ["127.0.0.1/v1/docs/*", "*/v1/docs/*"] });
        client.post("/v1/personas", &persona).await.expect(201);
        let said = results(&client).await;
        let mut by_url: Vec<_> = said.iter().map(|event| event.data.clone()).collect();
        let whole = by_url.iter().position(|data| data["error"].is_null()).expect("one was reached");
        let whole = by_url.remove(whole);
        assert!(whole["content"].as_str().is_some_and(|text| text.ends_with("a page")), "{whole}");
        let mut errors: Vec<_> = by_url.iter()
            .map(|data| data["error"]["error_class"].as_str().expect("a class").to_owned())
            .collect();
        errors.sort();
        // By the persona and by the operator; by the guard.
        assert_eq!(errors, ["tool.denied", "tool.denied", "tool.invalid_arguments"]);
        assert_eq!(there.requests().len(), 1);

        persona["http_allow"] = json!([]);
        persona.as_object_mut().expect("an object").remove("key");
        client.post("/v1/personas/worker/versions", &persona).await.expect(201);
        let said = results(&client).await;
        assert!(said.iter().all(|event| !event.data["error"].is_null()), "nothing is reached");
        assert_eq!(there.requests().len(), 1);
    }
}
