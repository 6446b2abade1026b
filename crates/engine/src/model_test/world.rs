//! Nodes, people and runs.

use std::collections::HashMap;
use std::time::Duration;

use runloom_domain::{
    ApprovalMode, Clock, MessageId, NanoUsd, NodeId, OrgId, Prices, RunId, RunSpec, RunStatus,
    ThreadId, ToolClass, ToolOrigin, ToolPin, TraceId, UserId, parse_answer,
};
use runloom_store::{
    Allowance, CreateRun, Intended, Intent, LiveLimits, NewRun, NewThread, OnBusy, Once,
};

use super::node::{Fate, Node, Sim, usage};
use super::{Bench, Command, NODES, THREADS};
use crate::driver::{Owned, fold_log};
use crate::machine::{Context, Input, RunState, SPAWN_AGENT, decide};
use crate::ops::start::first_event;

const ANSWERS: [&str; 6] = [
    "approve",
    "reject",
    "retry",
    "done",
    r#"{"decision":"edit","arguments":{"a":1}}"#,
    "because",
];

/// How many runs each run may spawn.
pub(super) const MAX_CHILDREN: usize = 2;

pub(super) struct World {
    pub(super) bench: Bench,
    pub(super) org: OrgId,
    user: UserId,
    threads: Vec<ThreadId>,
    nodes: Vec<Node>,
    /// Nodes whose lease has ended without their knowing.
    zombies: Vec<Node>,
    pub(super) runs: Vec<(RunId, ThreadId)>,
}

impl World {
    pub(super) async fn new(bench: Bench) -> Self {
        let now = bench.clock.now();
        let (org, user) = (OrgId::generate(now), UserId::generate(now));
        let threads: Vec<_> = (0..THREADS).map(|_| ThreadId::generate(now)).collect();
        for thread in &threads {
            let new = NewThread::untitled(org, *thread, user, now);
            bench
                .store
                .create_thread(new, None)
                .await
                .expect("a thread");
        }
        let (nodes, zombies, runs) = (Vec::new(), Vec::new(), Vec::new());
        let mut world = Self {
            bench,
            org,
            user,
            threads,
            nodes,
            zombies,
            runs,
        };
        for _ in 0..NODES {
            let node = world.start_node().await;
            world.nodes.push(node);
        }
        world
    }

    async fn start_node(&self) -> Node {
        let id = NodeId::generate(self.bench.clock.now());
        self.bench.store.renew_lease(id).await.expect("a lease");
        Node {
            id,
            runs: HashMap::new(),
        }
    }

    pub(super) async fn apply(&mut self, command: Command) {
        match command {
            Command::Create {
                thread,
                node,
                enqueue,
            } => self.create(thread, node, enqueue).await,
            Command::Claim { node } => self.claim(node % NODES).await,
            Command::Crash { node } => {
                self.replace(node % NODES).await;
            }
            Command::Stop { node } => {
                let stopped = self.replace(node % NODES).await;
                self.end_lease(stopped.id).await;
            }
            Command::Freeze { node } => {
                let zombie = self.replace(node % NODES).await;
                self.end_lease(zombie.id).await;
                self.zombies.push(zombie);
            }
            Command::Answer { run, word } => self.answer(run, ANSWERS[word]).await,
            Command::Cancel { run } => self.cancel(run).await,
            Command::Step { seconds } => self.step(seconds).await,
            on_run => self.work(&on_run).await,
        }
    }

    /// Another node takes the node's place.
    async fn replace(&mut self, node: usize) -> Node {
        let fresh = self.start_node().await;
        std::mem::replace(&mut self.nodes[node], fresh)
    }

    async fn end_lease(&self, node: NodeId) {
        let ended = self.bench.store.end_lease(node).await;
        ended.expect("the end of a lease");
    }

    async fn create(&mut self, thread: usize, node: usize, enqueue: bool) {
        let now = self.bench.clock.now();
        let (run_id, thread_id) = (RunId::generate(now), self.threads[thread % THREADS]);
        let (org_id, trace_id) = (self.org, TraceId::generate());
        let new = NewRun {
            org_id,
            run_id,
            thread_id,
            parent: None,
            created_by: self.user,
            api_key_id: None,
            trace_id,
            created_at: now,
            persona_id: "p@1".into(),
            route_id: "r".into(),
            model: "m".into(),
            metadata: None,
            input: Some((MessageId::generate(now), "why?".into())),
            rewind: None,
            contents: vec![],
            on_busy: if enqueue {
                OnBusy::Enqueue { max_queued: 2 }
            } else {
                OnBusy::Reject
            },
            max_live_runs: LiveLimits::default(),
            allowance: Allowance::default(),
            owner: Some(self.nodes[node % NODES].id),
            first_event: Box::new(move |first, _| {
                first_event(run_id, thread_id, trace_id, spec(), first).encode(now)
            }),
            once: None,
        };
        let Once::Done(CreateRun::Created(created)) =
            self.bench.store.create_run(new).await.expect("a creation")
        else {
            return;
        };
        self.runs.push((run_id, thread_id));
        if created.epoch == 0 {
            return;
        }
        let stored = runloom_domain::StoredEvent {
            seq: 1,
            event: created.event,
        };
        let state = RunState::begin(&stored.decode().expect("an event")).expect("a beginning");
        let owned = Owned {
            org_id,
            run_id,
            thread_id,
            epoch: created.epoch,
            state,
            due: false,
            granted: None,
        };
        self.begin(node % NODES, owned, claimed_input(1, None, 0))
            .await;
    }

    async fn claim(&mut self, node: usize) {
        let id = self.nodes[node].id;
        self.bench.store.renew_lease(id).await.expect("a lease");
        self.bench.store.free_lost(id).await.expect("freeing");
        for claimed in self.bench.store.claim(id, 3).await.expect("a claim") {
            let store = &*self.bench.store;
            let state = fold_log(store, self.org, claimed.run_id)
                .await
                .expect("a log");
            let mut owned = Owned {
                org_id: claimed.org_id,
                run_id: claimed.run_id,
                thread_id: claimed.thread_id,
                epoch: claimed.epoch,
                state,
                due: true,
                granted: None,
            };
            owned.state.last_seq = claimed.last_seq;
            let input = claimed_input(claimed.attempts, claimed.lost, claimed.thread_position);
            self.begin(node, owned, input).await;
        }
    }

    async fn begin(&mut self, node: usize, owned: Owned, input: Input) {
        let run = owned.run_id;
        let mut sim = Sim::new(owned);
        if sim.take(&self.bench, input).await == Fate::Kept {
            self.nodes[node].runs.insert(run, sim);
        }
    }

    /// Something happens to a run, at whichever node, awake or zombie, that works on it.
    async fn work(&mut self, command: &Command) {
        let index = match command {
            Command::Say { run, .. }
            | Command::Finish { run, .. }
            | Command::Fail { run, .. }
            | Command::ToolDone { run, .. } => *run,
            _ => return,
        };
        let Some((run, _)) = self.pick(index) else {
            return;
        };
        let bench = &self.bench;
        for (awake, node) in self
            .nodes
            .iter_mut()
            .map(|n| (true, n))
            .chain(self.zombies.iter_mut().map(|n| (false, n)))
        {
            let Some(sim) = node.runs.get_mut(&run) else {
                continue;
            };
            let before = bench.store.head(self.org, run).await.expect("a head");
            let fate = act(bench, sim, command).await;
            if !awake {
                let after = bench.store.head(self.org, run).await.expect("a head");
                assert_eq!(before, after, "a node without a lease has written");
            }
            if fate != Fate::Kept {
                node.runs.remove(&run);
            }
        }
    }

    async fn answer(&mut self, index: usize, word: &str) {
        let Some((run, _)) = self.pick(index) else {
            return;
        };
        let state = fold_log(&*self.bench.store, self.org, run)
            .await
            .expect("a log");
        let Some(request) = state.requests.first() else {
            return;
        };
        let Ok(answer) = parse_answer(request, word) else {
            return;
        };
        let request_id = request.request_id;
        let input = Input::Answered {
            answers: vec![(request_id, answer)],
            user_id: self.user,
        };
        let outcome = self.intend(run, &state, Some(state.last_seq), input).await;
        assert!(
            matches!(outcome, Intended::Applied { .. }),
            "an answer to an open request"
        );
    }

    async fn cancel(&mut self, index: usize) {
        let Some((run, _)) = self.pick(index) else {
            return;
        };
        let state = fold_log(&*self.bench.store, self.org, run)
            .await
            .expect("a log");
        if state.status.is_terminal() || state.status == RunStatus::Cancelling {
            return;
        }
        let head = self.bench.store.head(self.org, run).await;
        let head = head.expect("a read").expect("a head");
        let unheld = !head.owned && head.last_seq == state.last_seq;
        let stands = unheld || state.status != RunStatus::Running;
        let expect = stands.then_some(state.last_seq);
        let input = Input::CancelRequested {
            user_id: self.user,
            unheld,
            reason: None,
        };
        let outcome = self.intend(run, &state, expect, input).await;
        assert!(
            matches!(outcome, Intended::Applied { .. }),
            "a cancel request"
        );
    }

    async fn intend(
        &self,
        run: RunId,
        state: &RunState,
        expect_seq: Option<u64>,
        input: Input,
    ) -> Intended {
        let now = self.bench.clock.now();
        let cx = Context {
            now,
            entropy: 0,
            due: false,
            draining: false,
            check: &|_, _| Ok(()),
            max_parallel: 0,
            running: &std::collections::BTreeSet::new(),
            message_id: &|| MessageId::generate(now),
            request_id: &|| runloom_domain::RequestId::generate(now),
        };
        let decision = decide(state, input, &cx);
        let intent = Intent {
            org_id: self.org,
            run_id: run,
            expect_status: state.status,
            expect_seq,
            events: decision
                .events
                .iter()
                .map(|event| event.encode(now))
                .collect(),
            projection: decision.projection.map(|boxed| *boxed).unwrap_or_default(),
        };
        self.bench.store.intend(intent).await.expect("an intent")
    }

    /// Time passes; nodes look after their leases, waits and cancel requests.
    async fn step(&mut self, seconds: u64) {
        self.bench.advance(Duration::from_secs(seconds)).await;
        for node in &mut self.nodes {
            self.bench
                .store
                .renew_lease(node.id)
                .await
                .expect("a lease");
            let mut left = Vec::new();
            for (run, sim) in &mut node.runs {
                let mut fate = sim.obey(&self.bench).await;
                if fate == Fate::Kept {
                    fate = sim.wait_over(&self.bench).await;
                }
                if fate != Fate::Kept {
                    left.push(*run);
                }
            }
            for run in left {
                node.runs.remove(&run);
            }
        }
    }

    /// Everything that is asked is answered and everything that runs ends well.
    pub(super) async fn finish(&mut self) {
        for _ in 0..60 {
            if self.all_ended().await {
                return;
            }
            for index in 0..self.runs.len() {
                for word in ["approve", "done", "because"] {
                    self.answer(index, word).await;
                }
                self.apply(Command::ToolDone {
                    run: index,
                    ok: true,
                })
                .await;
                self.apply(Command::Finish {
                    run: index,
                    tools: vec![],
                })
                .await;
            }
            for node in 0..NODES {
                self.claim(node).await;
            }
            self.step(31).await;
        }
    }

    async fn all_ended(&self) -> bool {
        for (run, _) in &self.runs {
            let head = self.bench.store.head(self.org, *run).await;
            let head = head.expect("a read").expect("a head");
            if !head.status.is_terminal() {
                return false;
            }
        }
        true
    }

    fn pick(&self, index: usize) -> Option<(RunId, ThreadId)> {
        (!self.runs.is_empty()).then(|| self.runs[index % self.runs.len()])
    }
}

async fn act(bench: &Bench, sim: &mut Sim, command: &Command) -> Fate {
    match command {
        Command::Say { pieces, .. } => sim.say(bench, *pieces).await,
        Command::Finish { tools, .. } => sim.finish_call(bench, tools).await,
        Command::Fail { how, .. } => sim.fail_call(bench, *how).await,
        Command::ToolDone { ok, .. } => sim.tool_done(bench, *ok).await,
        _ => Fate::Kept,
    }
}

fn claimed_input(
    attempts: u32,
    lost: Option<runloom_domain::event::ResumeReason>,
    thread_position: u64,
) -> Input {
    Input::Claimed {
        attempts,
        lost,
        thread_position,
        cut_usage: usage(2),
    }
}

fn spec() -> RunSpec {
    let mut spec: RunSpec = serde_json::from_value(serde_json::json!({
        "persona": {"key": "p", "version": "1"},
        "prompt": "",
        "route": {"route_id": "r", "model": "m", "kind": "k"},
        "fallbacks": [{"route_id": "s", "model": "n", "kind": "k"}],
        "tools": [],
        "limits": {
            "max_steps": 5, "waiting_seconds": 60,
            "max_children": MAX_CHILDREN, "max_cost": 30_000_000,
        },
        "on_overflow": "summarise",
        "history_until": 0,
    }))
    .expect("a spec");
    for route in std::iter::once(&mut spec.route).chain(&mut spec.fallbacks) {
        let prices = route.prices.insert(Prices::default());
        prices.output = NanoUsd::from_nanos(3_000_000_000);
        prices.request = NanoUsd::from_nanos(11);
    }
    let pin = |name: &str, class, approval, asks| ToolPin {
        name: name.to_owned(),
        hash: String::new(),
        class,
        approval,
        rules: vec![],
        inherited: vec![],
        asks,
        origin: ToolOrigin::Builtin,
    };
    spec.tools = vec![
        pin("pure", ToolClass::Pure, ApprovalMode::Auto, false),
        pin("keyed", ToolClass::Keyed, ApprovalMode::Auto, false),
        pin("once", ToolClass::Once, ApprovalMode::Auto, false),
        pin(SPAWN_AGENT, ToolClass::Keyed, ApprovalMode::Auto, false),
        pin("ask_first", ToolClass::Once, ApprovalMode::Ask, false),
        pin("question", ToolClass::Pure, ApprovalMode::Auto, true),
        pin("denied", ToolClass::Pure, ApprovalMode::Deny, false),
    ];
    spec
}
