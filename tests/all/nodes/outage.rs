//! The database goes away or freezes in the middle of runs: none fails, and all go on when it is
//! back. Each test has a PostgreSQL of its own.

use std::time::{Duration, Instant};

use reqwest::Method;
use runloom_tests::{
    Answer, Client, Followed, MASTER_KEY, Node, Postgres, Servers, Setup, check_effects, count,
    script, soon,
};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::is_long;

const RUNS: usize = 8;
/// How soon after the database is back each run must have a new event.
const GOES_ON: Duration = Duration::from_secs(10);
/// How long a request may wait for a database that doesn't answer, on a machine that does other
/// things too: 5 s for a connection and 25 s for the answer.
const ANSWERED: Duration = Duration::from_secs(40);

const PERSONA: &str =
    "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"effect_once\", \"effect_keyed\"]\n";

fn setup(postgres: &Postgres) -> Setup {
    let turn = |tool: &str| {
        let called = json!({ "tool_call": { "name": tool, "arguments": { "after_ms": 200 } } });
        json!([{ "count": { "to": 50, "every_ms": 20 } }, called])
    };
    Setup::at(&postgres.url())
        .scripted(
            "m",
            script([turn("effect_once"), turn("effect_keyed"), count(100, 20)]),
        )
        .toml(PERSONA)
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
}

/// Two nodes, and runs under way on both.
struct Deployment {
    nodes: [Node; 2],
    clients: watch::Sender<Vec<Client>>,
    runs: Vec<String>,
    followers: JoinSet<Followed>,
}

impl Deployment {
    async fn start(postgres: &Postgres) -> Self {
        let first = setup(postgres).start().await;
        let second = first.peer("second").await;
        let both = vec![first.client(), first.client().at(second.base())];
        let clients = watch::Sender::new(both.clone());
        let (mut runs, mut followers) = (Vec::new(), JoinSet::new());
        for index in 0..RUNS {
            let run = both[index % 2].run(&json!({})).await;
            // From the other node, so that what it hears is tried too.
            let servers = Servers::new(clients.subscribe(), index + 1);
            followers.spawn(servers.follow(run.clone()));
            runs.push(run);
        }
        for run in &runs {
            both[0].events(run, "").await.until("message.delta").await;
        }
        Self {
            nodes: [first, second],
            clients,
            runs,
            followers,
        }
    }

    fn client(&self) -> Client {
        self.clients.borrow()[0].clone()
    }

    /// A creation that is insisted on while the database is away is made once.
    fn insist_on_one_more(&mut self, path: String) {
        let mut servers = Servers::new(self.clients.subscribe(), 0);
        self.followers.spawn(async move {
            let made = servers.insist(&path, "once", &json!({})).await;
            let run = made["run_id"].as_str().expect("a run_id").to_owned();
            servers.follow(run).await
        });
    }

    /// Each run goes on soon, ends well, and was seen as it is in the log.
    async fn recovers(mut self) {
        let back = Instant::now();
        for run in &self.runs {
            goes_on(&self.client(), run, back).await;
        }
        let mut all = Vec::new();
        while let Some(followed) = soon("the runs' ends", self.followers.join_next()).await {
            all.push(followed.expect("no follower panics"));
        }
        assert_eq!(all.len(), RUNS + 1);
        for followed in &all {
            followed.check(&self.client()).await;
        }
        check_effects(self.nodes[0].data(), all.iter().map(Followed::log));
    }
}

/// A run has an event that is newer than the log, unless it has ended.
async fn goes_on(client: &Client, run: &str, back: Instant) {
    let log = client.log(run).await;
    let last = log.last().expect("a run has events");
    if last.is_terminal() {
        return;
    }
    let after = format!("?after_seq={}", last.seq);
    let mut stream = client.events(run, &after).await;
    let left = GOES_ON.saturating_sub(back.elapsed());
    let next = tokio::time::timeout(left, stream.next()).await;
    assert!(next.is_ok(), "{run} stands still after {last:?}");
}

/// A request is answered in time, whatever the answer is.
async fn answered(client: &Client, method: Method, path: &str) -> Answer {
    let request = client.request(method, path);
    let answer = tokio::time::timeout(ANSWERED, client.send(request)).await;
    answer.unwrap_or_else(|_| panic!("{path} is not answered"))
}

#[track_caller]
fn is_refused(answer: Answer) {
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!(wait > 0);
    answer.expect_error(503, "service.database_unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_outlive_a_killed_database() {
    let mut postgres = Postgres::start().await;
    let mut deployment = Deployment::start(&postgres).await;
    let client = deployment.client();
    let thread = client.thread().await;
    postgres.kill().await;
    let killed = Instant::now();
    is_refused(answered(&client, Method::GET, "/v1/threads").await);
    is_refused(answered(&client, Method::POST, "/v1/threads").await);
    let path = format!("/v1/runs/{}/events?follow=0", deployment.runs[0]);
    is_refused(answered(&client, Method::GET, &path).await);
    assert_eq!(answered(&client, Method::GET, "/readyz").await.status, 503);
    assert_eq!(answered(&client, Method::GET, "/healthz").await.status, 200);
    deployment.insist_on_one_more(format!("/v1/threads/{thread}/runs"));
    // For longer than a lease where there is time for that.
    let away = Duration::from_secs(if is_long() { 30 } else { 3 });
    tokio::time::sleep(away.saturating_sub(killed.elapsed())).await;
    postgres.again().await;
    deployment.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_outlive_a_frozen_database() {
    let postgres = Postgres::start().await;
    let mut deployment = Deployment::start(&postgres).await;
    let client = deployment.client();
    let thread = client.thread().await;
    postgres.freeze();
    let frozen = Instant::now();
    deployment.insist_on_one_more(format!("/v1/threads/{thread}/runs"));
    assert_eq!(answered(&client, Method::GET, "/readyz").await.status, 503);
    assert_eq!(answered(&client, Method::GET, "/healthz").await.status, 200);
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        requests.spawn(async move { answered(&client, Method::GET, "/v1/threads").await });
    }
    if is_long() {
        // Everybody is told in time, not when the database is back.
        for answer in requests.join_all().await {
            is_refused(answer);
        }
    }
    tokio::time::sleep(Duration::from_secs(10).saturating_sub(frozen.elapsed())).await;
    postgres.thaw();
    deployment.recovers().await;
}
