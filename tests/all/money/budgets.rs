use runloom_tests::{Answer, Client, both_stores, call, check_ended, script, text};
use serde_json::{Value, json};

use super::setup;

async fn start(client: &Client, body: &Value) -> Answer {
    let thread = client.thread().await;
    client
        .post(&format!("/v1/threads/{thread}/runs"), body)
        .await
}

async fn budget(client: &Client, body: &Value) -> Value {
    client.post("/v1/budgets", body).await.expect(201)
}

async fn again(client: &Client, budget: &Value) -> Value {
    let id = budget["id"].as_str().expect("an id");
    client.get(&format!("/v1/budgets/{id}")).await.expect(200)
}

both_stores! {
    async fn a_budget_is_made_changed_and_deleted(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let body = json!({ "scope": "persona", "scope_id": "assistant", "period": "month",
            "max_cost_usd": 12.5 });
        let made = budget(&client, &body).await;
        assert_eq!(made["max_cost_usd"], 12.5);
        assert_eq!((&made["max_tokens"], &made["spent_cost_usd"]), (&json!(null), &json!(0.0)));
        assert_eq!(again(&client, &made).await, made);
        assert_eq!(client.get("/v1/budgets").await.expect(200), json!([made]));
        client.post("/v1/budgets", &body).await.expect_error(409, "budgets.taken");
        let path = format!("/v1/budgets/{}", made["id"].as_str().expect("an id"));
        let patch = json!({ "max_cost_usd": null, "max_tokens": 1_000 });
        let changed = client.patch(&path, &patch).await.expect(200);
        assert_eq!((&changed["max_cost_usd"], &changed["max_tokens"]),
            (&json!(null), &json!(1_000)));
        let none = client.patch(&path, &json!({ "max_tokens": null })).await;
        none.expect_error(422, "validation.error");
        client.delete(&path).await.expect(204);
        client.get(&path).await.expect_error(404, "budgets.not_found");
        client.patch(&path, &patch).await.expect_error(404, "budgets.not_found");
        client.delete(&path).await.expect_error(404, "budgets.not_found");
    }

    async fn odd_budgets_are_refused(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let good = json!({ "scope": "organisation", "period": "day", "max_tokens": 1 });
        let thread = "0193c2d4-0000-7000-8000-000000000000";
        for (field, wrong, with) in [
            ("scope", json!("everybody"), json!({})),
            ("scope", json!(null), json!({})),
            ("period", json!("year"), json!({})),
            ("scope_id", json!("x"), json!({})),
            ("scope_id", json!(null), json!({ "scope": "user" })),
            ("scope_id", json!("x"), json!({ "scope": "thread" })),
            ("scope_id", json!(format!("{{{thread}}}")), json!({ "scope": "api_key" })),
            ("scope_id", json!("clerk@1"), json!({ "scope": "persona" })),
            ("max_tokens", json!(-1), json!({})),
            ("max_tokens", json!(1.5), json!({})),
            ("max_cost_usd", json!(-0.1), json!({})),
            ("max_cost_usd", json!("1"), json!({})),
        ] {
            let mut body = good.clone();
            let fields = body.as_object_mut().expect("an object");
            fields.extend(with.as_object().expect("an object").clone());
            fields.insert(field.to_owned(), wrong);
            let error = client.post("/v1/budgets", &body).await;
            let error = error.expect_error(422, "validation.error");
            assert!(error["details"][field].is_string(), "{body}: {error}");
        }
        let unlimited = json!({ "scope": "organisation", "period": "day" });
        let error = client.post("/v1/budgets", &unlimited).await;
        error.expect_error(422, "validation.error");
        assert_eq!(client.get("/v1/budgets").await.expect(200), json!([]));
    }

    async fn an_exhausted_budget_names_itself(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let me = client.get("/v1/me").await.expect(200);
        let made = budget(&client, &json!({ "scope": "user", "scope_id": me["user_id"],
            "period": "day", "max_tokens": 10_000 })).await;
        let run = client.run(&json!({ "input": "hi" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
        let standing = again(&client, &made).await;
        assert!(standing["spent_tokens"].as_u64() >= Some(1), "{standing}");
        assert_eq!(standing["reserved_tokens"], 0);
        let row = client.run_object(&run).await;
        let input = row["totals"]["total_input_tokens"].as_u64().expect("tokens");
        let output = row["totals"]["total_output_tokens"].as_u64().expect("tokens");
        assert_eq!(standing["spent_tokens"], input + output);
        assert_eq!(standing["spent_cost_usd"], row["totals"]["total_cost_usd"]);
        let path = format!("/v1/budgets/{}", made["id"].as_str().expect("an id"));
        // What is left doesn't pay for the question.
        let little = json!({ "max_tokens": input + output + 1 });
        client.patch(&path, &little).await.expect(200);
        let events = client.follow(&client.run(&json!({ "input": "hi" })).await).await;
        let failed = check_ended(&events, "run.failed");
        assert_eq!(failed.data["error_class"], "budget.exhausted");
        client.patch(&path, &json!({ "max_tokens": input + output })).await.expect(200);
        let error = start(&client, &json!({})).await.expect_error(402, "budget.exhausted");
        assert_eq!(error["details"], json!({ "budget_id": made["id"], "scope": "user",
            "scope_id": me["user_id"], "period": "day" }));
    }

    async fn a_key_has_a_budget_of_its_own(store: Store) {
        let node = setup(store).start().await;
        let owner = node.client();
        let scopes = ["runs.read", "runs.write", "threads.read", "threads.write"];
        let body = json!({ "name": "k", "scopes": scopes });
        let key = owner.post("/v1/api-keys", &body).await.expect(201);
        let client = owner.with_token(key["key"].as_str().expect("a key"));
        budget(&owner, &json!({ "scope": "api_key", "scope_id": key["id"], "period": "month",
            "max_cost_usd": 0 })).await;
        let refused = start(&client, &json!({})).await;
        let error = refused.expect_error(402, "budget.exhausted");
        assert_eq!(error["details"]["scope"], "api_key");
        start(&owner, &json!({})).await.expect(201);
    }

    async fn runs_under_way_hold_their_part(store: Store) {
        let asks = script([call("ask_user", json!({ "question": "?" })), text("done")]);
        let node = setup(store).scripted("ask", asks).start().await;
        let client = node.client();
        let made = budget(&client, &json!({ "scope": "organisation", "period": "day",
            "max_cost_usd": 0.05 })).await;
        let body = json!({ "route_id": "ask", "limits": { "max_cost_usd": 0.05 } });
        let run = start(&client, &body).await.expect(201)["run_id"].clone();
        let run = run.as_str().expect("an id").to_owned();
        client.events(&run, "").await.until("run.waiting_for_input").await;
        let standing = again(&client, &made).await;
        assert_eq!(standing["reserved_cost_usd"], 0.05);
        start(&client, &body).await.expect_error(402, "budget.exhausted");
        client.cancel(&run).await.expect(200);
        client.follow(&run).await;
        let standing = again(&client, &made).await;
        assert_eq!(standing["reserved_cost_usd"], 0.0);
        assert!(standing["spent_cost_usd"].as_f64() > Some(0.0), "{standing}");
        start(&client, &body).await.expect(201);
    }

    async fn a_waiting_queue_is_limited_too(store: Store) {
        let asks = script([call("ask_user", json!({ "question": "?" })), text("done")]);
        let node = setup(store).scripted("ask", asks).start().await;
        let client = node.client();
        budget(&client, &json!({ "scope": "organisation", "period": "day",
            "max_cost_usd": 0.05 })).await;
        let thread = client.thread().await;
        let path = format!("/v1/threads/{thread}/runs");
        let body = json!({ "route_id": "ask", "on_busy": "enqueue",
            "limits": { "max_cost_usd": 0.03 } });
        for status in [201, 201, 402] {
            let answer = client.post(&path, &body).await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
    }

    async fn budgets_of_organisations_are_apart(store: Store) {
        let node = setup(store).start().await;
        let (owner, stranger) = (node.client(), node.client().stranger("stranger").await);
        let made = budget(&owner, &json!({ "scope": "organisation", "period": "day",
            "max_cost_usd": 0 })).await;
        start(&owner, &json!({})).await.expect_error(402, "budget.exhausted");
        start(&stranger, &json!({})).await.expect(201);
        let path = format!("/v1/budgets/{}", made["id"].as_str().expect("an id"));
        stranger.delete(&path).await.expect_error(404, "budgets.not_found");
        assert_eq!(stranger.get("/v1/budgets").await.expect(200), json!([]));
    }
}
