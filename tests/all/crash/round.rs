//! One kill and what follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_tests::{Client, Node, Stopped, check_ended, soon};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::follower::{Followed, Server, make_and_follow};
use super::workload;

/// How soon a run must go on after the server is ready again.
const GOES_ON: Duration = Duration::from_secs(2);

/// Runs of one round, two of them in one thread.
const RUNS: usize = 4;

/// Runs that are under way in a server that is about to die.
pub(super) struct Round {
    node: Node,
    client: watch::Sender<Client>,
    created: watch::Receiver<Vec<String>>,
    followers: JoinSet<Followed>,
}

impl Round {
    /// Starts the runs without waiting for anything.
    pub(super) async fn start(node: Node, name: &str) -> Self {
        let client = watch::Sender::new(node.client());
        let (created_by, created) = watch::channel(Vec::new());
        let mut followers = JoinSet::new();
        let mut threads = Vec::new();
        for _ in 1..RUNS {
            threads.push(node.client().thread().await);
        }
        threads.push(threads[0].clone());
        for (index, thread) in threads.into_iter().enumerate() {
            let server = Server(client.subscribe());
            let key = format!("{name}-{index}");
            followers.spawn(make_and_follow(server, thread, key, created_by.clone()));
        }
        Self {
            node,
            client,
            created,
            followers,
        }
    }

    /// kill -9.
    pub(super) async fn kill(self) -> Killed {
        let stopped = self.node.kill().await;
        Killed {
            stopped,
            client: self.client,
            created: self.created,
            followers: self.followers,
        }
    }

    /// Waits until the server has killed itself at its failpoint.
    pub(super) async fn dies(self) -> Killed {
        let stopped = self.node.stopped().await;
        assert!(!stopped.ended.status.success(), "{:?}", stopped.ended);
        Killed {
            stopped,
            client: self.client,
            created: self.created,
            followers: self.followers,
        }
    }
}

/// A round whose server is dead.
pub(super) struct Killed {
    stopped: Stopped,
    client: watch::Sender<Client>,
    created: watch::Receiver<Vec<String>>,
    followers: JoinSet<Followed>,
}

impl Killed {
    /// Starts the server again and checks everything. Returns it, idle.
    pub(super) async fn recover(mut self) -> Node {
        let started = self
            .stopped
            .restart_with(|setup| setup.without("FAILPOINTS"));
        let node = started.await;
        let ready = Instant::now();
        let known = self.created.borrow_and_update().clone();
        self.client.send_replace(node.client());
        for run in known {
            goes_on(&node.client(), &run, ready).await;
        }
        let mut all = Vec::new();
        while let Some(followed) = soon("the runs' ends", self.followers.join_next()).await {
            all.push(followed.expect("no follower panics"));
        }
        for followed in &all {
            check(&node, followed).await;
        }
        check_effects(&node, &all);
        node
    }
}

/// A run that was under way has a new event soon.
async fn goes_on(client: &Client, run: &str, ready: Instant) {
    let log = client.log(run).await;
    let last = log.last().expect("a run that was told of is in the log");
    let waits = ["run.queued", "run.waiting_for_input"].contains(&last.kind.as_str());
    if waits || last.is_terminal() {
        return;
    }
    let mut stream = client
        .events(run, &format!("?after_seq={}", last.seq))
        .await;
    let left = GOES_ON.saturating_sub(ready.elapsed());
    let next = tokio::time::timeout(left, stream.next()).await;
    assert!(next.is_ok(), "{run} stands still after {last:?}");
}

/// The client has exactly the log, and the log is a proper one.
async fn check(node: &Node, followed: &Followed) {
    check_ended(&followed.events, "run.completed");
    let mut replay = node.client().events(&followed.run, "?follow=0").await;
    let log = replay.raw_rest().await;
    assert_eq!(followed.raw, log, "what was seen is what is there");
}

/// Each effect that must not happen twice happened at most once, and none happened that the log
/// doesn't speak of.
fn check_effects(node: &Node, all: &[Followed]) {
    let mut tools = BTreeMap::new();
    for followed in all {
        let started = |id: &serde_json::Value| {
            let mut intents = followed.events.iter().filter(|e| e.kind == "tool.started");
            intents.any(|intent| intent.data["tool_call_id"] == *id)
        };
        for called in followed.events.iter().filter(|e| e.kind == "tool.call") {
            let id = &called.data["tool_call_id"];
            assert!(started(id), "{called:?} was never started");
            let key = format!("{}/{}", followed.run, id.as_str().expect("an id"));
            tools.insert(key, called.data["tool_name"].clone());
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let data = Arc::clone(node.data());
    let runs: Vec<&str> = all.iter().map(|followed| followed.run.as_str()).collect();
    for key in workload::effects(&data) {
        let run = key.split('/').next().unwrap_or_default();
        if runs.contains(&run) {
            assert!(
                tools.contains_key(&key),
                "{key} happened, and the log does not know of it"
            );
            *counts.entry(key).or_default() += 1;
        }
    }
    for (key, count) in counts {
        let limit = if tools[&key] == "effect_once" { 1 } else { 2 };
        assert!(count <= limit, "{} happened {count} times", tools[&key]);
    }
}
