use runloom_tests::{RawConnection, Setup, both_stores, check_ended, text};
use serde_json::{Value, json};

const READERS: usize = 40;
const STEPS: usize = 12;
const DELTAS: usize = 400;
const MIB: u64 = 1024 * 1024;

both_stores! {
    async fn readers_that_never_read_cost_bounded_memory(store: Store) {
        let deltas = vec![json!({ "text": "x".repeat(500) }); DELTAS];
        let turn = |step: usize| {
            let mut turn = deltas.clone();
            turn.push(json!({ "tool_call": {
                "name": "calculator", "arguments": { "expression": step.to_string() } } }));
            Value::from(turn)
        };
        let mut turns: Vec<_> = (0..STEPS).map(turn).collect();
        turns.push(text("done"));
        let node = Setup::new(store).scripted("m", Value::from(turns)).start().await;
        let client = node.client();
        // A run without readers first, so that what a run itself needs is not counted.
        client.follow(&client.run(&json!({})).await).await;
        let before = node.resident_bytes();

        let run = client.run(&json!({})).await;
        let mut stalled = Vec::new();
        for _ in 0..READERS {
            let mut connection = RawConnection::open(node.base()).await;
            let request = format!(
                "GET /v1/runs/{run}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
                node.key()
            );
            connection.send(request).await;
            stalled.push(connection);
        }
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        // The backlog of all of them would be some 130 MiB.
        let grown = node.resident_bytes().saturating_sub(before) / MIB;
        assert!(grown < 40, "{grown} MiB for {READERS} readers");
        let late = stalled[0].until("\"type\":\"run.completed\"").await;
        assert_eq!(late.matches("\nid: ").count(), events.len());
    }
}
