//! One kill and what follows.

use std::time::{Duration, Instant};

use runloom_tests::{Client, Followed, Node, Servers, Stopped, check_effects, soon};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How soon a run must go on after the server is ready again.
const GOES_ON: Duration = Duration::from_secs(2);

/// Runs of one round, two of them in one thread.
const RUNS: usize = 4;

/// Runs that are under way in a server that is about to die.
pub(super) struct Round {
    node: Node,
    clients: watch::Sender<Vec<Client>>,
    created: watch::Receiver<Vec<String>>,
    followers: JoinSet<Followed>,
}

impl Round {
    /// Starts the runs without waiting for anything.
    pub(super) async fn start(node: Node, name: &str) -> Self {
        let clients = watch::Sender::new(vec![node.client()]);
        let (created_by, created) = watch::channel(Vec::new());
        let mut followers = JoinSet::new();
        let mut threads = Vec::new();
        for _ in 1..RUNS {
            threads.push(node.client().thread().await);
        }
        threads.push(threads[0].clone());
        for (index, thread) in threads.into_iter().enumerate() {
            let servers = Servers::new(clients.subscribe(), 0);
            let key = format!("{name}-{index}");
            followers.spawn(make_and_follow(servers, thread, key, created_by.clone()));
        }
        Self {
            node,
            clients,
            created,
            followers,
        }
    }

    /// kill -9.
    pub(super) async fn kill(self) -> Killed {
        let stopped = self.node.kill().await;
        Killed {
            stopped,
            clients: self.clients,
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
            clients: self.clients,
            created: self.created,
            followers: self.followers,
        }
    }
}

/// A round whose server is dead.
pub(super) struct Killed {
    stopped: Stopped,
    clients: watch::Sender<Vec<Client>>,
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
        self.clients.send_replace(vec![node.client()]);
        for run in known {
            goes_on(&node.client(), &run, ready).await;
        }
        let mut all = Vec::new();
        while let Some(followed) = soon("the runs' ends", self.followers.join_next()).await {
            all.push(followed.expect("no follower panics"));
        }
        for followed in &all {
            followed.check(&node.client()).await;
        }
        check_effects(node.data(), all.iter().map(Followed::log));
        node
    }
}

/// Makes a run, once, and follows it to its end.
async fn make_and_follow(
    mut servers: Servers,
    thread: String,
    key: String,
    created: watch::Sender<Vec<String>>,
) -> Followed {
    let path = format!("/v1/threads/{thread}/runs");
    let body = json!({ "on_busy": "enqueue", "input": "go" });
    let answer = servers.insist(&path, &key, &body).await;
    let run = answer["run_id"].as_str().expect("a run_id").to_owned();
    created.send_modify(|runs| runs.push(run.clone()));
    servers.follow(run).await
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
