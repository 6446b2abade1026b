use runloom_tests::{Client, both_stores, call, check_ended, script, text};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{metered, setup};

async fn credits(client: &Client) -> Value {
    client.get("/v1/credits").await.expect(200)
}

async fn top_up(client: &Client, credits: i64) {
    let body = json!({ "credits": credits });
    client.post("/v1/credits:topup", &body).await.expect(201);
}

async fn start(client: &Client, body: &Value) -> runloom_tests::Answer {
    let thread = client.thread().await;
    client
        .post(&format!("/v1/threads/{thread}/runs"), body)
        .await
}

both_stores! {
    async fn without_credits_no_run_is_created(store: Store) {
        let node = metered(store).start().await;
        let client = node.client();
        assert_eq!(
            credits(&client).await,
            json!({ "balance": 0, "reserved": 0, "available": 0, "metered": true })
        );
        start(&client, &json!({})).await.expect_error(402, "credits.exhausted");
        let runs = client.get("/v1/runs").await.expect(200);
        assert_eq!(runs, json!([]));
        top_up(&client, 1_000).await;
        let run = client.run(&json!({ "input": "hi" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
    }

    async fn a_run_takes_its_credits_from_the_balance(store: Store) {
        let node = metered(store).start().await;
        let client = node.client();
        top_up(&client, 1_000).await;
        let run = client.run(&json!({ "input": "hi" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
        let shown = client.run_object(&run).await;
        let used = shown["totals"]["credits_used"].as_i64().expect("credits");
        assert!(used > 0, "{shown}");
        let after = credits(&client).await;
        assert_eq!(after["balance"], 1_000 - used);
        assert_eq!(after["reserved"], 0);
        let entries = client.get("/v1/credits/entries").await.expect(200);
        let entry = &entries[0];
        assert_eq!((&entry["kind"], &entry["credits"]), (&json!("run"), &json!(-used)));
        assert_eq!((&entry["run_id"], &entry["id"]), (&json!(run), &json!(run)));
        assert_eq!(entries[1]["kind"], "top_up");
        assert_eq!(entries.as_array().map(Vec::len), Some(2));
    }

    async fn a_run_under_way_holds_its_limit(store: Store) {
        let asks = script([call("ask_user", json!({ "question": "?" })), text("done")]);
        let node = metered(store).scripted("ask", asks).start().await;
        let client = node.client();
        top_up(&client, 100).await;
        let body = json!({ "route_id": "ask", "limits": { "max_cost_usd": 0.06 } });
        let run = start(&client, &body).await.expect(201)["run_id"].clone();
        let run = run.as_str().expect("an id").to_owned();
        client.events(&run, "").await.until("run.waiting_for_input").await;
        assert_eq!(credits(&client).await["available"], 40);
        start(&client, &body).await.expect_error(402, "credits.exhausted");
        client.cancel(&run).await.expect(200);
        client.follow(&run).await;
        let after = credits(&client).await;
        assert_eq!(after["reserved"], 0);
        assert_eq!(after["available"], after["balance"]);
        start(&client, &body).await.expect(201);
    }

    async fn many_at_once_get_no_more_than_there_is(store: Store) {
        let asks = script([call("ask_user", json!({ "question": "?" })), text("done")]);
        let node = metered(store).scripted("ask", asks).start().await;
        let client = node.client();
        top_up(&client, 100).await;
        let body = json!({ "route_id": "ask", "limits": { "max_cost_usd": 0.01 } });
        let mut threads = Vec::new();
        for _ in 0..40 {
            threads.push(client.thread().await);
        }
        let mut starts = JoinSet::new();
        for thread in threads {
            let (client, body) = (client.clone(), body.clone());
            let path = format!("/v1/threads/{thread}/runs");
            starts.spawn(async move { client.post(&path, &body).await.status });
        }
        let statuses = starts.join_all().await;
        let of = |status| statuses.iter().filter(|it| **it == status).count();
        assert_eq!((of(201), of(402)), (10, 30), "{statuses:?}");
        let after = credits(&client).await;
        assert_eq!((&after["available"], &after["reserved"]), (&json!(0), &json!(100)));
    }

    async fn a_top_up_with_a_key_happens_once(store: Store) {
        let node = metered(store).start().await;
        let client = node.client();
        let body = json!({ "credits": 5, "note": "invoice 7" });
        let first = client.post_once("/v1/credits:topup", "k", &body).await;
        let again = client.post_once("/v1/credits:topup", "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        let made = first.expect(201);
        assert_eq!(made, again.expect(201));
        assert_eq!((&made["credits"], &made["note"]), (&json!(5), &json!("invoice 7")));
        assert_eq!(credits(&client).await["balance"], 5);
        let down = json!({ "credits": -9 });
        client.post("/v1/credits:adjust", &down).await.expect(201);
        let after = credits(&client).await;
        assert_eq!((&after["balance"], &after["available"]), (&json!(-4), &json!(0)));
    }

    async fn absurd_credits_are_refused(store: Store) {
        let node = metered(store).start().await;
        let client = node.client();
        for credits in [json!(0), json!(-1), json!(1.5), json!("5"), json!(1e13), json!(null)] {
            let body = json!({ "credits": credits });
            let error = client.post("/v1/credits:topup", &body).await;
            let error = error.expect_error(422, "validation.error");
            assert!(error["details"]["credits"].is_string(), "{error}");
        }
        let none = client.post("/v1/credits:adjust", &json!({ "credits": 0 })).await;
        none.expect_error(422, "validation.error");
    }

    async fn credits_are_the_operators_unless_said_otherwise(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        for path in ["/v1/credits:topup", "/v1/credits:adjust"] {
            let answer = client.post(path, &json!({ "credits": 5 })).await;
            answer.expect_error(403, "credits.not_self_service");
        }
        assert_eq!(
            credits(&client).await,
            json!({ "balance": 0, "reserved": 0, "available": 0, "metered": false })
        );
        let run = client.run(&json!({ "input": "hi" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
        assert_eq!(client.get("/v1/credits/entries").await.expect(200), json!([]));
    }

    async fn a_key_needs_the_scopes(store: Store) {
        let node = metered(store).start().await;
        let owner = node.client();
        let with = async |scopes: &[&str]| {
            let body = json!({ "name": "k", "scopes": scopes });
            let key = owner.post("/v1/api-keys", &body).await.expect(201);
            owner.with_token(key["key"].as_str().expect("a key"))
        };
        let runs = with(&["runs.read", "runs.write"]).await;
        runs.get("/v1/credits").await.expect_error(403, "auth.forbidden");
        runs.get("/v1/usage").await.expect_error(403, "auth.forbidden");
        runs.get("/v1/budgets").await.expect_error(403, "auth.forbidden");
        let reads = with(&["usage.read"]).await;
        reads.get("/v1/credits").await.expect(200);
        let body = json!({ "credits": 5 });
        reads.post("/v1/credits:topup", &body).await.expect_error(403, "auth.forbidden");
        let budget = json!({ "scope": "organisation", "period": "day", "max_tokens": 1 });
        reads.post("/v1/budgets", &budget).await.expect_error(403, "auth.forbidden");
    }

    async fn credits_of_organisations_are_apart(store: Store) {
        let node = metered(store).start().await;
        let (owner, stranger) = (node.client(), node.client().stranger("stranger").await);
        top_up(&owner, 1_000).await;
        assert_eq!(credits(&stranger).await["balance"], 0);
        start(&stranger, &json!({})).await.expect_error(402, "credits.exhausted");
        let entries = stranger.get("/v1/credits/entries").await.expect(200);
        assert_eq!(entries, json!([]));
        assert_eq!(credits(&owner).await["available"], 1_000);
    }
}
