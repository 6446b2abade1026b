use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Client, Setup, both_stores, check_ended};
use serde_json::{Value, json};

/// The row of the organisation's list for a run.
async fn row(client: &Client, run: &str) -> Value {
    let rows = client.get("/v1/runs").await.expect(200);
    let rows = rows.as_array().expect("an array").iter();
    rows.clone()
        .find(|row| row["run_id"] == run)
        .expect("the run is listed")
        .clone()
}

both_stores! {
    async fn every_call_is_priced_by_its_buckets(store: Store) {
        let provider = Provider::start([
            Reply::call("calculator", &json!({ "expression": "6*7" })),
            Reply::text("It is forty two."),
        ]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "What is 6*7?" })).await;
        let events = client.follow(&run).await;
        let steps: Vec<_> = events.iter().filter(|e| e.kind == "step.completed").collect();
        let usage = json!({
            "uncached_input_tokens": 8, "cache_read_tokens": 4, "cache_write_tokens": 0,
            "output_tokens": 7, "source": "reported",
        });
        assert_eq!(steps[0].data["usage"], usage);
        // 8 x 3 + 4 x 0.3 + 7 x 15 dollars per million tokens.
        assert_eq!(steps[0].data["cost_usd"], 0.000_130_2);
        // 8 x 3 + 4 x 0.3 + 4 x 15.
        assert_eq!(steps[1].data["cost_usd"], 0.000_085_2);
        let totals = &events.last().expect("events").data["totals"];
        let expected = json!({
            "total_input_tokens": 24, "total_output_tokens": 11, "total_cost_usd": 0.000_215_4,
            "cache_hit_rate": 8.0 / 24.0, "credits_used": 1,
        });
        assert_eq!(totals, &expected);
        let row = row(&client, &run).await;
        for (field, value) in expected.as_object().expect("an object") {
            assert_eq!(&row[field], value, "{field}");
        }
        let shown = client.run_object(&run).await;
        assert_eq!(shown["totals"]["total_cost_usd"], 0.000_215_4);
        assert_eq!(shown["totals"]["duration_ms"], row["duration_ms"]);
    }

    async fn what_the_provider_did_not_report_is_estimated_and_marked(store: Store) {
        let silent = Reply::Stream(vec![
            Piece::Text("12345678".to_owned()), Piece::Finish("stop"), Piece::Done,
        ]);
        let provider = Provider::start([silent]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hello" })).await;
        let events = client.follow(&run).await;
        let step = events.iter().find(|e| e.kind == "step.completed").expect("a step");
        assert_eq!(step.data["usage"]["source"], "estimated");
        assert_eq!(step.data["usage"]["output_tokens"], 2);
        assert!(step.data["usage"]["uncached_input_tokens"].as_u64() > Some(1));
        assert!(step.data["cost_usd"].as_f64() > Some(0.0));
        assert_eq!(row(&client, &run).await["credits_used"], 1);
    }

    async fn usage_that_nobody_can_believe_is_not_charged(store: Store) {
        let absurd = |prompt, completion| Reply::Stream(vec![
            Piece::Text("hi".to_owned()), Piece::Finish("stop"),
            Piece::Usage { prompt, cached: 0, completion }, Piece::Done,
        ]);
        let provider = Provider::start([absurd(i64::MAX, 1), absurd(-5, -5)]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        for _ in 0..2 {
            let run = client.run(&json!({ "input": "hello" })).await;
            let events = client.follow(&run).await;
            let step = events.iter().find(|e| e.kind == "step.completed").expect("a step");
            assert_eq!(step.data["usage"]["source"], "estimated");
            assert!(row(&client, &run).await["total_input_tokens"].as_u64() < Some(10_000));
        }
    }

    async fn usage_beyond_every_integer_is_not_charged(store: Store) {
        let usage = r#"data: {"choices":[],"usage":{"prompt_tokens":9223372036854775808,"completion_tokens":1e300}}"#;
        let absurd = Reply::Stream(vec![
            Piece::Text("hi".to_owned()), Piece::Finish("stop"),
            Piece::Raw(format!("{usage}\n\n").into_bytes()), Piece::Done,
        ]);
        let provider = Provider::start([absurd]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hello" })).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let step = events.iter().find(|e| e.kind == "step.completed").expect("a step");
        assert_eq!(step.data["usage"]["source"], "estimated");
        assert!(row(&client, &run).await["total_input_tokens"].as_u64() < Some(10_000));
    }

    async fn usage_that_is_told_twice_counts_once(store: Store) {
        let twice = Reply::Stream(vec![
            Piece::Text("hi".to_owned()), Piece::usage(1), Piece::Text(" there".to_owned()),
            Piece::usage(2), Piece::Finish("stop"), Piece::usage(3), Piece::usage(3), Piece::Done,
        ]);
        let provider = Provider::start([twice]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hello" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
        let row = row(&client, &run).await;
        assert_eq!((&row["total_input_tokens"], &row["total_output_tokens"]), (&json!(12), &json!(3)));
    }

    async fn failed_attempts_count_too(store: Store) {
        let cut = Reply::Stream(vec![Piece::Text("half an ans".to_owned()), Piece::Cut]);
        let provider = Provider::start([cut, Reply::text("whole")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hello" })).await;
        let events = client.follow(&run).await;
        let step = events.iter().find(|e| e.kind == "step.completed").expect("a step");
        let whole = step.data["usage"]["output_tokens"].as_u64().expect("a number");
        let total = row(&client, &run).await["total_output_tokens"].as_u64();
        // Eleven bytes of the first attempt are three estimated tokens.
        assert_eq!(total, Some(whole + 3));
    }
}
