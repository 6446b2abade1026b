//! A node that owns sixty runs is killed, or asked to stop: others go on with every one of them.

use std::time::{Duration, Instant};

use runloom_tests::{
    Client, Event, EventStream, MASTER_KEY, Node, Setup, Store, call, check_effects, check_ended,
    count, script, text,
};
use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinSet;

/// Runs of each route, and the event behind which they stand when their node ends.
const OWNED: [(&str, usize, &str); 3] = [
    ("streams", 30, "message.delta"),
    ("keyed", 20, "tool.started"),
    ("once", 10, "tool.started"),
];
/// Runs that wait for a person, and so belong to no node.
const WAITING: [(&str, usize, &str); 1] = [("asks", 5, "run.waiting_for_input")];

/// It takes 2 s, and more where tests and debug builds share the machine; a run that is not
/// handed over goes on when its node's lease ends, which it does after 10 s to 15 s.
const HANDED_OVER: Duration = Duration::from_secs(9);

const PERSONA: &str = r#"
[[personas]]
key = "worker"
prompt = "Work."
tools = ["effect_keyed", "effect_once", "ask_user"]
"#;

fn setup() -> Setup {
    let tool = |name, arguments| script([call(name, arguments), text("It said {last_tool}.")]);
    Setup::new(Store::Postgres)
        .scripted("streams", script([count(100, 100)]))
        .scripted("keyed", tool("effect_keyed", json!({ "after_ms": 8_000 })))
        .scripted("once", tool("effect_once", json!({ "after_ms": 20_000 })))
        .scripted("asks", tool("ask_user", json!({ "question": "?" })))
        .toml(PERSONA)
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
}

/// A run that is watched on another node than its own.
struct Watched {
    run: String,
    stream: EventStream,
    seen: Vec<Event>,
}

impl Watched {
    /// Follows the run to its end, and says when it went on.
    async fn goes_on(mut self, client: Client) -> (Instant, Self) {
        self.seen.extend(self.stream.until("run.resumed").await);
        let resumed = Instant::now();
        while let Some(event) = self.stream.next().await {
            if event.kind == "run.waiting_for_input" {
                let request = &event.data["requests"][0];
                assert_eq!(request["kind"], "tool_outcome_unknown");
                let answer = json!({ "content": "done", "request_id": request["request_id"] });
                client.input(&self.run, &answer).await.expect(200);
            }
            self.seen.push(event);
        }
        (resumed, self)
    }
}

/// Runs of one node, watched on another, once each of them stands where it should.
async fn watched(
    owner: &Client,
    other: &Client,
    kinds: &'static [(&str, usize, &str)],
) -> Vec<Watched> {
    let mut tasks = JoinSet::new();
    for (route, count, stands_at) in kinds {
        for _ in 0..*count {
            let (owner, other) = (owner.clone(), other.clone());
            tasks.spawn(async move {
                let run = owner.run(&json!({ "route_id": route })).await;
                let mut stream = other.events(&run, "").await;
                let seen = stream.until(stands_at).await;
                Watched { run, stream, seen }
            });
        }
    }
    tasks.join_all().await
}

/// Ends a node with a signal; each of its runs must go on within that time, and those that wait
/// can be answered at once.
async fn all_go_on(signal: Signal, within: Duration) {
    let first = setup().start().await;
    let (second, third) = (first.peer("second").await, first.peer("third").await);
    let (owner, other) = (first.client(), first.client().at(second.base()));
    let waiting = watched(&owner, &other, &WAITING).await;
    let owned = watched(&owner, &other, &OWNED).await;

    let ended_at = Instant::now();
    first.signal(signal);
    let mut others = JoinSet::new();
    for watched in owned {
        others.spawn(watched.goes_on(other.clone()));
    }
    let third_client = owner.at(third.base());
    for mut watched in waiting {
        let asked = Instant::now();
        let answer = json!({ "content": "yes" });
        third_client.input(&watched.run, &answer).await.expect(200);
        watched.seen.extend(watched.stream.rest().await);
        check_ended(&watched.seen, "run.completed");
        assert!(asked.elapsed() < HANDED_OVER, "{:?}", asked.elapsed());
    }

    let others = others.join_all().await;
    assert_eq!(others.len(), 60);
    for (resumed, watched) in &others {
        let took = resumed.saturating_duration_since(ended_at);
        assert!(took < within, "{} went on after {took:?}", watched.run);
        check_ended(&watched.seen, "run.completed");
        assert_eq!(watched.seen, third_client.log(&watched.run).await);
    }
    let logs = others.iter().map(|(_, watched)| watched);
    let logs = logs.map(|watched| (watched.run.as_str(), watched.seen.as_slice()));
    check_effects(second.data(), logs);
    ended(first, signal).await;
}

async fn ended(node: Node, signal: Signal) {
    let status = node.stopped().await.ended.status;
    assert_eq!(status.success(), signal == Signal::TERM, "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_nodes_runs_go_on_elsewhere() {
    all_go_on(Signal::KILL, Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_hands_its_runs_over() {
    all_go_on(Signal::TERM, HANDED_OVER).await;
}
