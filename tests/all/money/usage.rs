use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Client, Setup, both_stores, check_ended};
use serde_json::{Value, json};

use super::setup;

async fn usage(client: &Client, query: &str) -> Vec<Value> {
    let rows = client.get(&format!("/v1/usage{query}")).await.expect(200);
    rows.as_array().expect("an array").clone()
}

both_stores! {
    async fn usage_is_the_sum_of_the_runs(store: Store) {
        let provider = Provider::start([Reply::text("one two"), Reply::text("three")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        assert_eq!(usage(&client, "").await, Vec::<Value>::new());
        for _ in 0..2 {
            let run = client.run(&json!({ "input": "hi" })).await;
            check_ended(&client.follow(&run).await, "run.completed");
        }
        let me = client.get("/v1/me").await.expect(200);
        let sums = json!({
            "uncached_input_tokens": 16, "cache_read_tokens": 8, "cache_write_tokens": 0,
            "output_tokens": 3, "total_input_tokens": 24, "total_output_tokens": 3,
            // 16 x 3 + 8 x 0.3 + 3 x 15 dollars per million tokens.
            "total_cost_usd": 0.000_095_4, "credits_used": 2, "runs": 2, "calls": 2,
            "cache_hit_rate": 8.0 / 24.0,
        });
        let runs = client.get("/v1/runs").await.expect(200);
        let day = &runs[0]["created_at"].as_str().expect("a time")[..10];
        for (group, key) in [
            ("day", json!(day)), ("model", json!("mock-1")), ("persona", json!("assistant@1")),
            ("user", me["user_id"].clone()),
        ] {
            let mut rows = usage(&client, &format!("?group_by={group}")).await;
            assert_eq!(rows.len(), 1, "{rows:?}");
            let row = rows[0].as_object_mut().expect("an object");
            assert_eq!(row.remove("key"), Some(key), "{group}");
            assert_eq!(json!(row), sums, "{group}");
        }
        assert_eq!(usage(&client, "").await, usage(&client, "?group_by=day").await);
    }

    async fn a_time_is_bounded(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hi" })).await;
        client.follow(&run).await;
        let old = "?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00%2B01:00";
        assert_eq!(usage(&client, old).await, Vec::<Value>::new());
        for (field, query) in [
            ("from", "from=yesterday"),
            ("to", "to=2020-01-01"),
            ("from", "from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z"),
            ("from", "from=2019-01-01T00:00:00Z&to=2020-01-02T00:00:01Z"),
            ("group_by", "group_by=route"),
        ] {
            let error = client.get(&format!("/v1/usage?{query}")).await;
            let error = error.expect_error(422, "validation.error");
            assert!(error["details"][field].is_string(), "{query}: {error}");
        }
    }

    async fn usage_of_organisations_is_apart(store: Store) {
        let node = setup(store).start().await;
        let (owner, stranger) = (node.client(), node.client().stranger("stranger").await);
        let run = owner.run(&json!({ "input": "hi" })).await;
        owner.follow(&run).await;
        for group in ["day", "model", "persona", "user"] {
            let query = format!("?group_by={group}");
            assert_eq!(usage(&stranger, &query).await, Vec::<Value>::new());
            assert_eq!(usage(&owner, &query).await.len(), 1);
        }
    }
}
