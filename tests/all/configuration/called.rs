//! Organisations' own routes, called for real.

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Client, both_stores, check_ended, one_store};
use serde_json::{Value, json};

use super::{CREDENTIALS, PERSONAS, id, route, setup};

const KEY: &str = "sk-CANARY-of-the-organisation-41";

fn model(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} names no model; `cargo xtask test` starts one"))
}

async fn credential_for(client: &Client, provider: &str, url: &str) -> String {
    let body = json!({ "provider": provider, "name": provider, "base_url": url, "api_key": KEY });
    id(&client.post(CREDENTIALS, &body).await.expect(201))
}

async fn tried(client: &Client, credential: &str, model: &str) -> Value {
    let path = format!("{CREDENTIALS}/{credential}:test");
    client
        .post(&path, &json!({ "model": model }))
        .await
        .expect(200)
}

one_store! {
    async fn a_real_model_answers_by_each_kind_of_route_that_it_speaks(store: Store) {
        let (url, name) = (model("RUNLOOM_TEST_MODEL_URL"), model("RUNLOOM_TEST_MODEL"));
        let node = setup(store).start().await;
        let client = node.client();
        let talker = json!({ "key": "talker", "prompt": "You are a helpful assistant.",
            "temperature": 0.0 });
        client.post(PERSONAS, &talker).await.expect(201);
        let worker = json!({ "key": "worker", "prompt": "You are a helpful assistant.",
            "temperature": 0.0, "tools": ["calculator"], "limits": { "max_steps": 4 } });
        client.post(PERSONAS, &worker).await.expect(201);
        for kind in ["openai_chat", "openai_responses", "anthropic"] {
            let credential = credential_for(&client, kind, &url).await;
            let test = tried(&client, &credential, &name).await;
            assert_eq!((&test["ok"], &test["error"]), (&json!(true), &json!(null)), "{kind}");
            let more = json!({ "model": name, "prices": { "input": 1, "output": 2 } });
            let route = route(&client, &credential, more).await;
            let body = json!({ "route_id": route, "persona_id": "talker",
                "input": "Say hello in one short sentence.",
                "limits": { "max_output_tokens": 200 } });
            let run = client.run(&body).await;
            let events = client.follow(&run).await;
            let last = check_ended(&events, "run.completed");
            assert!(!last.data["output"].as_str().unwrap_or_default().is_empty(), "{kind}");
            let step = events.iter().find(|e| e.kind == "step.completed").expect("a step");
            assert_eq!(step.data["usage"]["source"], "reported", "{kind}");
            let tokens = |name: &str| last.data["totals"][name].as_f64().expect("a number");
            let cost = tokens("total_input_tokens") + 2.0 * tokens("total_output_tokens");
            assert!((tokens("total_cost_usd") * 1e6 - cost).abs() < 1e-6, "{kind}");
            assert!(tokens("total_output_tokens") <= 200.0, "{kind}");

            let body = json!({ "route_id": route, "persona_id": "worker",
                "input": "What is 6*7? Call calculator with expression 6*7." });
            let events = client.follow(&client.run(&body).await).await;
            let last = check_ended(&events, "run.completed");
            let result = events.iter().find(|e| e.kind == "tool.result").expect("a call");
            assert_eq!(result.data["content"], "42", "{kind}");
            let output = last.data["output"].as_str().expect("an answer");
            assert!(output.contains("42"), "{kind}: {output}");
        }
    }
}

both_stores! {
    async fn an_answer_of_a_real_model_fits_its_schema(store: Store) {
        let (url, name) = (model("RUNLOOM_TEST_MODEL_URL"), model("RUNLOOM_TEST_MODEL"));
        let node = setup(store).start().await;
        let client = node.client();
        let schema = json!({ "type": "object", "required": ["city", "people"],
            "additionalProperties": false,
            "properties": { "city": { "type": "string", "maxLength": 20 },
                "people": { "type": "integer" } } });
        let persona = json!({ "key": "clerk", "prompt": "Answer in JSON.", "temperature": 0.0,
            "response_format": { "name": "place", "schema": schema } });
        client.post(PERSONAS, &persona).await.expect(201);
        let credential = credential_for(&client, "openai_chat", &url).await;
        let route = route(&client, &credential, json!({ "model": name })).await;
        let body = json!({ "route_id": route, "persona_id": "clerk",
            "input": "Paris has two million people.", "limits": { "max_output_tokens": 300 } });
        let events = client.follow(&client.run(&body).await).await;
        let last = check_ended(&events, "run.completed");
        let answer: Value = serde_json::from_str(last.data["output"].as_str().expect("a text"))
            .expect("it is JSON");
        assert!(answer["city"].is_string() && answer["people"].is_i64(), "{answer}");
    }

    async fn an_answer_without_the_form_is_asked_for_again(store: Store) {
        let provider = Provider::start([Reply::text("no JSON"), Reply::text(r#"{"n":1}"#)]).await;
        let node = setup(store).start().await;
        let client = node.client();
        let persona = json!({ "key": "clerk", "prompt": "x", "response_format":
            { "schema": { "type": "object", "required": ["n"] } } });
        client.post(PERSONAS, &persona).await.expect(201);
        let credential = credential_for(&client, "openai_chat", provider.url()).await;
        let more = json!({ "backoff": { "base_ms": 10 }, "is_default": true });
        route(&client, &credential, more).await;
        let body = json!({ "persona_id": "clerk", "input": "x" });
        let events = client.follow(&client.run(&body).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], r#"{"n":1}"#);
        let retried = events.iter().find(|e| e.kind == "step.retried").expect("a retry");
        assert_eq!(retried.data["error_class"], "provider.invalid_output");
        assert_eq!(provider.requests()[0].body["response_format"]["type"], "json_schema");
    }

    async fn a_refused_key_is_told_and_not_shown(store: Store) {
        let provider = Provider::start([Reply::status(401)]).await;
        let node = setup(store).start().await;
        let client = node.client();
        let credential = credential_for(&client, "openai_chat", provider.url()).await;
        let test = tried(&client, &credential, "m").await;
        assert_eq!((&test["ok"], &test["latency_ms"]), (&json!(false), &json!(null)));
        assert_eq!(test["error"]["error_class"], "provider.unauthorized");
        assert!(!test.to_string().contains(KEY), "{test}");
        client.post(&format!("{CREDENTIALS}/{credential}:test"), &json!({})).await
            .expect_error(422, "validation.error");
        let stranger = client.stranger("stranger").await;
        stranger.post(&format!("{CREDENTIALS}/{credential}:test"), &json!({ "model": "m" })).await
            .expect_error(404, "credentials.not_found");
    }

    async fn the_rule_that_fits_chooses(store: Store) {
        let provider = Provider::start([Reply::text("gold"), Reply::text("plain")]).await;
        let node = setup(store).start().await;
        let client = node.client();
        let credential = credential_for(&client, "openai_chat", provider.url()).await;
        let when = json!({ "metadata": { "tier": "gold" } });
        let gold = route(&client, &credential, json!({ "model": "gold", "when": when })).await;
        let plain = route(&client, &credential, json!({ "model": "plain", "is_default": true }))
            .await;
        for (tier, expected) in [("gold", gold), ("lead", plain)] {
            let body = json!({ "input": "x", "metadata": { "tier": tier } });
            let events = client.follow(&client.run(&body).await).await;
            check_ended(&events, "run.completed");
            assert_eq!(events[0].data["route_id"], expected);
        }
        let keys: Vec<_> = provider.requests().iter()
            .map(|request| request.headers["authorization"].clone()).collect();
        assert_eq!(keys, [format!("Bearer {KEY}"), format!("Bearer {KEY}")]);
    }

    async fn a_back_off_outlives_its_node(store: Store) {
        let busy = Reply::status(429).with_header("retry-after", "3");
        let provider = Provider::start([busy, Reply::text("late")]).await;
        let node = setup(store).variable("RUNLOOM_MASTER_KEY", runloom_tests::MASTER_KEY)
            .start().await;
        let client = node.client();
        let credential = credential_for(&client, "openai_chat", provider.url()).await;
        route(&client, &credential, json!({ "is_default": true })).await;
        let run = client.run(&json!({ "input": "x" })).await;
        client.events(&run, "").await.until("step.retried").await;
        let node = node.kill().await.restart().await;
        let events = node.client().follow(&run).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], "late");
        let retried = events.iter().find(|e| e.kind == "step.retried").expect("a retry");
        assert_eq!(retried.data["error_class"], "provider.rate_limited");
        let waited = retried.data["delay_ms"].as_u64().expect("a number");
        assert!((3_000..=3_300).contains(&waited), "{waited}");
        assert_eq!(provider.requests().len(), 2, "it came once more, after the wait");
    }
}
