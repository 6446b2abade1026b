//! A server, its runs, and the service that their tools use.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;

use runloom_tests::{
    Client, Event, Ledger, Node, Servers, Setup, Store, check_ended, script, text,
};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::WINDOWS;
use super::person::{Person, Said};

/// Calls of a run: two in its first step, one in its second.
const CALLS: u64 = 3;

pub(super) struct World {
    node: Node,
    ledger: Arc<Ledger>,
    class: &'static str,
    /// A window kills when a file of its name is here.
    armed: TempDir,
}

/// Runs under way in a server that is about to die.
struct Runs {
    clients: watch::Sender<Vec<Client>>,
    making: JoinSet<String>,
}

impl World {
    /// A server whose only tool is of this class.
    pub(super) async fn start(store: Store, class: &'static str) -> Self {
        let armed = tempfile::tempdir().expect("a folder");
        let point = |window| format!("{window}=return({})", armed.path().join(window).display());
        let call = |n: u64| json!({ "tool_call": { "name": format!("book_{class}"), "arguments": { "n": n } } });
        let turns = script([json!([call(1), call(2)]), json!([call(3)]), text("Booked.")]);
        let node = Setup::new(store)
            .scripted("m", turns)
            .variable("FAILPOINTS", &WINDOWS.map(point).join(";"))
            .variable("RUNLOOM_NET_ALLOW", "127.0.0.0/8")
            .start()
            .await;
        let ledger = Arc::new(Ledger::start().await);
        let client = node.client();
        let tool = json!({
            "name": format!("book_{class}"), "description": "Books a seat.", "class": class,
            "url": ledger.url(), "signing_secret": "whsec-0123456789abcdef",
            "schema": { "type": "object", "properties": { "n": { "type": "integer" } } },
        });
        client.post("/v1/http-tools", &tool).await.expect(201);
        let persona = json!({ "key": "clerk", "prompt": "Book.", "tools": ["book_*"] });
        client.post("/v1/personas", &persona).await.expect(201);
        Self {
            node,
            ledger,
            class,
            armed,
        }
    }

    /// Kills the server in a window while runs are under way, starts it again, and checks
    /// everything at the runs' ends.
    pub(super) async fn killed(self, window: &str, seed: u64) -> Self {
        let count = 1 + seed % 3;
        // As long as not every effect of the first steps has happened, there is a run that has
        // its second step before it, and so each window.
        let after = (seed.wrapping_mul(7) % (2 * count)) as usize;
        let arm = self.armed.path().join(window);
        let pid = self.node.pid();
        // Between effect and answer nobody but the service can kill.
        if window == "after_effect" && seed % 2 == 1 {
            let kill = move || kill_process(pid, Signal::KILL).expect("the process runs");
            self.ledger.begin(seed, after.max(1), kill);
        } else {
            let write = move || std::fs::write(arm, "").expect("the folder takes files");
            self.ledger.begin(seed, after, write);
        }
        let mut runs = Runs::start(&self.node, count, &format!("{window}-{seed}")).await;
        let stopped = self.node.stopped().await;
        let status = stopped.ended.status;
        assert_eq!(
            status.signal(),
            Some(9),
            "{window} {seed}: {:?}",
            stopped.ended
        );
        let node = stopped.restart().await;
        let person = Person::of(seed / 2);
        for run in runs.made(node.client()).await {
            let (events, said) = person.leads(node.client(), &run, &self.ledger).await;
            check_ended(&events, "run.completed");
            for n in 1..=CALLS {
                let call = Call::of(&events, &run, n);
                call.check(self.class, &self.ledger, &said, person);
            }
        }
        Self { node, ..self }
    }
}

impl Runs {
    /// Makes runs without waiting for anything.
    async fn start(node: &Node, count: u64, name: &str) -> Self {
        let clients = watch::Sender::new(vec![node.client()]);
        let mut threads = Vec::new();
        for _ in 0..count {
            threads.push(node.client().thread().await);
        }
        let mut making = JoinSet::new();
        for (index, thread) in threads.into_iter().enumerate() {
            let mut servers = Servers::new(clients.subscribe(), 0);
            let key = format!("{name}-{index}");
            making.spawn(async move {
                let path = format!("/v1/threads/{thread}/runs");
                let body = json!({ "persona_id": "clerk", "input": "A seat, please." });
                let made = servers.insist(&path, &key, &body).await;
                made["run_id"].as_str().expect("a run_id").to_owned()
            });
        }
        Self { clients, making }
    }

    /// Their ids, also of those that were asked for when the server died.
    async fn made(&mut self, client: Client) -> Vec<String> {
        self.clients.send_replace(vec![client]);
        let making = std::mem::take(&mut self.making);
        runloom_tests::soon("the runs", making.join_all()).await
    }
}

/// What the log says of a call.
#[derive(Debug)]
struct Call<'a> {
    run: &'a str,
    n: u64,
    id: &'a str,
    starts: usize,
    result: &'a Value,
}

impl<'a> Call<'a> {
    fn of(events: &'a [Event], run: &'a str, n: u64) -> Self {
        let mut calls = events.iter().filter(|event| event.kind == "tool.call");
        let call = calls.find(|event| event.data["arguments"]["n"] == n);
        let id = call.expect("the model called it").data["tool_call_id"].as_str();
        let id = id.expect("an id");
        let of_it = |kind: &'static str| {
            let of_kind = events.iter().filter(move |event| event.kind == kind);
            of_kind.filter(move |event| event.data["tool_call_id"] == id)
        };
        let result = of_it("tool.result").next();
        Self {
            run,
            n,
            id,
            starts: of_it("tool.started").count(),
            result: &result.expect("a result").data,
        }
    }

    /// Holds what has happened against it, and against what somebody has said of it.
    #[track_caller]
    fn check(&self, class: &str, ledger: &Ledger, said: &Said, person: Person) {
        let effects = ledger.effects().into_iter();
        let effects: Vec<_> = effects
            .filter(|effect| effect.run == self.run && effect.n == self.n)
            .collect();
        let seen = format!("{class} {person:?} {self:?} {said:?}: {effects:?}");
        let key = format!("{}/{}", self.run, self.id);
        assert!(
            effects.iter().all(|effect| effect.key == key),
            "one key: {seen}"
        );
        let (asked, again) = match said.get(&self.n) {
            Some(said) => (true, said.iter().filter(|again| **again).count()),
            None => (false, 0),
        };
        let happened = effects.len();
        assert!(happened <= self.starts, "each has its intent: {seen}");
        if class == "once" {
            assert_eq!(
                self.starts,
                1 + again,
                "nobody else starts it again: {seen}"
            );
            assert!(happened <= 1 + again, "never twice by itself: {seen}");
        }
        if asked && person == Person::Looks {
            assert_eq!(happened, 1, "who looks has it happen once: {seen}");
        }
        if asked && again == 0 {
            return;
        }
        assert!(happened >= 1, "nothing is lost: {seen}");
        let content = format!("done {}", self.n);
        assert_eq!(self.result["content"], content, "{seen}");
    }
}
