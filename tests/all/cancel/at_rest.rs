use runloom_tests::{Setup, both_stores, call, check_ended, kinds, script, text};
use serde_json::json;

use super::cancelled;

both_stores! {
    async fn while_waiting_for_a_person(store: Store) {
        let turns = script([call("ask_user", json!({ "question": "?" })), text("ok")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("run.waiting_for_input").await;
        client.cancel(&run).await.expect(200);
        // Nobody works on it, so the request itself ends it.
        assert_eq!(client.status(&run).await, "cancelled");
        let events = client.log(&run).await;
        check_ended(&events, "run.cancelled");
        let tail = kinds(&events).split_off(events.len() - 4);
        assert_eq!(tail,
            ["run.waiting_for_input", "run.cancel_requested", "tool.result", "run.cancelled"]);
        client.input(&run, &json!({ "content": "x" })).await
            .expect_error(409, "runs.not_active");
    }

    async fn while_queued(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([text("ok")]))
            .scripted("held", script([json!(["hang"])]))
            .start().await;
        let client = node.client();
        let thread = client.thread().await;
        let first = client.run_in(&thread, &json!({ "route_id": "held" })).await;
        let second = client.run_in(&thread, &json!({ "on_busy": "enqueue" })).await;
        let third = client.run_in(&thread, &json!({ "on_busy": "enqueue" })).await;
        client.cancel(&second).await.expect(200);
        let events = client.log(&second).await;
        check_ended(&events, "run.cancelled");
        assert_eq!(kinds(&events), ["run.queued", "run.cancel_requested", "run.cancelled"]);
        assert_eq!(events[2].data["totals"]["credits_used"], 0);
        cancelled(&client, &first).await;
        check_ended(&client.follow(&third).await, "run.completed");
    }

    async fn twice_and_after_the_end_writes_nothing(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([text("ok")]))
            .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
            .start().await;
        let client = node.client();
        let run = client.run(&json!({ "route_id": "held" })).await;
        client.events(&run, "").await.until("message.delta").await;
        let (once, twice) = tokio::join!(client.cancel(&run), client.cancel(&run));
        once.expect(200);
        twice.expect(200);
        let events = client.follow(&run).await;
        let requests = kinds(&events).iter().filter(|k| **k == "run.cancel_requested").count();
        assert_eq!(requests, 1);
        cancelled(&client, &run).await;
        assert_eq!(client.log(&run).await, events);

        let done = client.run(&json!({})).await;
        let events = client.follow(&done).await;
        assert_eq!(client.cancel(&done).await.expect(200), json!({ "ok": true }));
        assert_eq!(client.log(&done).await, events);
        assert_eq!(client.status(&done).await, "completed");
    }

    async fn an_unknown_run_is_not_found(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        client.cancel("0190c9d6-1b6f-7d4e-8f00-000000000000").await
            .expect_error(404, "runs.not_found");
        client.cancel("nonsense").await.expect_error(422, "validation.error");
    }
}
