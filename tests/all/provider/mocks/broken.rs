//! Everything that aimock breaks, in every format.

use runloom_tests::{Client, both_stores, check_ended, one_store, said};
use serde_json::{Value, json};

use super::{AIMOCK, aimock, retries, setup, with};

const ANSWER: &str = "A whole answer, at last.";

/// How the first request is answered, by what its fixture says beside the answer; and the class
/// of the retry that follows, if any.
fn faults() -> Vec<(&'static str, Value, Option<&'static str>)> {
    let slow = |more: Value| with(json!({ "latency": 60, "chunkSize": 6 }), more);
    let chaos = |chaos: Value| json!({ "chaos": chaos });
    let gaps = |gap: u64| {
        json!({ "chunkSize": 6, "recordedTimings": {
        "ttftMs": 0, "interChunkDelaysMs": [0, gap, 0, 0], "totalDurationMs": gap } })
    };
    let cut = Some("provider.stream_cut");
    vec![
        (
            "cut by count",
            slow(json!({ "truncateAfterChunks": 3 })),
            cut,
        ),
        (
            "cut by time",
            slow(json!({ "disconnectAfterMs": 150 })),
            cut,
        ),
        (
            "dropped",
            chaos(json!({ "dropRate": 1.0 })),
            Some("provider.unavailable"),
        ),
        (
            "garbage",
            chaos(json!({ "malformedRate": 1.0 })),
            Some("provider.malformed"),
        ),
        (
            "hung up",
            chaos(json!({ "disconnectRate": 1.0 })),
            Some("provider.unavailable"),
        ),
        (
            "throttled",
            chaos(json!({ "rateLimitRate": 1.0 })),
            Some("provider.rate_limited"),
        ),
        ("late", chaos(json!({ "latencyMs": 300 })), None),
        (
            "too late",
            chaos(json!({ "latencyMs": 10_000 })),
            Some("provider.timeout"),
        ),
        ("slow", slow(json!({})), None),
        (
            "uneven",
            json!({ "chunkSize": 3, "streamingProfile":
            { "ttft": 300, "tps": 40, "jitter": 0.5 } }),
            None,
        ),
        ("paused", gaps(400), None),
        ("stalled", gaps(10_000), Some("provider.stalled")),
    ]
}

/// Statuses, and what becomes of a run whose first request gets one: a retry, or its end.
const STATUSES: [(u16, &str, bool); 10] = [
    (400, "provider.bad_request", false),
    (401, "provider.unauthorized", false),
    (402, "provider.payment_required", false),
    (403, "provider.unauthorized", false),
    (404, "provider.not_found", false),
    (408, "provider.timeout", true),
    (429, "provider.rate_limited", true),
    (500, "provider.unavailable", true),
    (503, "provider.unavailable", true),
    (529, "provider.unavailable", true),
];

/// Two fixtures: for the first such request of a kind, and for those that follow it.
fn pair(kind: &str, user: &str, first: Value) -> [Value; 2] {
    let matched = json!({ "userMessage": user, "model": kind });
    let whole = json!({ "match": matched, "response": { "content": ANSWER } });
    let only_first = json!({ "match": with(matched, json!({ "sequenceIndex": 0 })) });
    [with(with(whole.clone(), only_first), first), whole]
}

fn fixtures() -> Vec<Value> {
    let mut all = Vec::new();
    for kind in AIMOCK.map(|kind| kind.name) {
        for (user, first, _) in faults() {
            all.extend(pair(kind, &format!("<{user}>"), first));
        }
        for (status, _, _) in STATUSES {
            let error = json!({ "message": "no sk-secret-canary", "type": "mock_error" });
            let response = json!({ "error": error, "status": status, "retryAfter": 1 });
            let first = json!({ "response": response });
            all.extend(pair(kind, &format!("<{status}>"), first));
        }
    }
    all
}

async fn faults_of(client: Client, kind: &str) {
    for (user, _, class) in faults() {
        let body = json!({ "route_id": kind, "persona_id": "talker",
            "input": format!("<{user}>") });
        let events = client.follow(&client.run(&body).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(retries(&events), Vec::from_iter(class), "{kind} {user}");
        assert_eq!(last.data["output"], ANSWER, "{kind} {user}");
        assert_eq!(said(&events), ANSWER, "{kind} {user}");
    }
}

async fn statuses_of(client: Client, kind: &str) {
    for (status, class, is_retried) in STATUSES {
        let body = json!({ "route_id": kind, "persona_id": "talker",
            "input": format!("<{status}>") });
        let events = client.follow(&client.run(&body).await).await;
        if is_retried {
            check_ended(&events, "run.completed");
            assert_eq!(retries(&events), [class], "{kind} {status}");
        } else {
            let last = check_ended(&events, "run.failed");
            assert_eq!(last.data["error_class"], class, "{kind} {status}");
            assert_eq!(retries(&events).len(), 0, "{kind} {status}");
        }
        assert!(!format!("{events:?}").contains("canary"), "{kind} {status}");
        if status == 429 {
            let retried = events
                .iter()
                .find(|e| e.kind == "step.retried")
                .expect("a retry");
            let delay = retried.data["delay_ms"].as_u64().expect("a number");
            assert!((1_000..=1_100).contains(&delay), "{kind}: {delay}");
        }
    }
}

one_store! {
    async fn streams_and_statuses_of_every_kind(store: Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let aimock = aimock(&fixtures(), folder.path()).await;
        let node = setup(store, &AIMOCK, &aimock).start().await;
        let work = AIMOCK.map(|kind| {
            let client = node.client();
            tokio::spawn(async move {
                faults_of(client.clone(), kind.name).await;
                statuses_of(client, kind.name).await;
            })
        });
        for one in work {
            one.await.expect("each kind does as it should");
        }
    }
}

both_stores! {
    async fn an_outage_of_all_kinds_is_outlived_and_then_is_not(store: Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let any = json!({ "match": { "userMessage": "x" }, "response": { "content": ANSWER } });
        let aimock = aimock(&[any], folder.path()).await;
        let node = setup(store, &AIMOCK, &aimock).start().await;
        let client = node.client();
        let operator = Client::anonymous(aimock.url());
        operator.post("/__aimock/chaos", &json!({ "rateLimitRate": 1.0 })).await.expect(200);
        let mut runs = Vec::new();
        for kind in AIMOCK.map(|kind| kind.name) {
            let body = json!({ "route_id": kind, "persona_id": "talker", "input": "x" });
            let run = client.run(&body).await;
            client.events(&run, "").await.until("step.retried").await;
            runs.push((kind, run));
        }
        operator.delete("/__aimock/chaos").await.expect(200);
        for (kind, run) in &runs {
            let events = client.follow(run).await;
            check_ended(&events, "run.completed");
            assert_eq!(said(&events), ANSWER, "{kind}");
        }
        operator.post("/__aimock/chaos", &json!({ "dropRate": 1.0 })).await.expect(200);
        for (kind, _) in runs {
            let body = json!({ "route_id": kind, "persona_id": "talker", "input": "x" });
            let events = client.follow(&client.run(&body).await).await;
            let last = check_ended(&events, "run.failed");
            assert_eq!(last.data["error_class"], "provider.unavailable", "{kind}");
            assert_eq!(retries(&events), ["provider.unavailable"; 2], "{kind}");
        }
    }
}
