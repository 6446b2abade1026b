//! What must hold of every run, whatever has happened.

use std::collections::{BTreeMap, BTreeSet};

use runloom_domain::{
    Decision, EventBody, EventPrivate, MessageBody, NanoUsd, RunId, RunStatus, RunTotals, ThreadId,
    ToolCallId, ToolCallRequest, credits_for,
};

use runloom_store::{HistoryPart, Page};

use super::world::{MAX_CHILDREN, World};
use crate::driver::fold_log;

pub(super) async fn all(world: &World) {
    let mut live = BTreeSet::new();
    for (run, thread) in &world.runs {
        let status = one(world, *run, *thread).await;
        if status.is_live() {
            assert!(live.insert(*thread), "a thread has one live run");
        }
    }
}

pub(super) async fn all_ended(world: &World) {
    all(world).await;
    for (run, _) in &world.runs {
        let head = world
            .bench
            .store
            .head(world.org, *run)
            .await
            .expect("a read")
            .expect("a head");
        assert!(head.status.is_terminal(), "run {run} never ended: {head:?}");
    }
}

async fn one(world: &World, run: RunId, thread: ThreadId) -> RunStatus {
    let store = &world.bench.store;
    let stored = store
        .events(world.org, run, 0, 10_000)
        .await
        .expect("events");
    let record = store
        .run(world.org, run)
        .await
        .expect("a read")
        .expect("a run");
    let mut log = Log::default();
    for (index, event) in stored.iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1, "seq is dense");
        let event = event.decode().expect("an event");
        log.take(&event.body, event.private.as_ref());
    }
    let head = store
        .head(world.org, run)
        .await
        .expect("a read")
        .expect("a head");
    assert_eq!(head.last_seq, stored.len() as u64);
    assert_eq!(head.status, record.status);
    let folded = fold_log(&**store, world.org, run).await.expect("a log");
    assert_eq!(folded.status, head.status, "the log tells the status");
    assert_eq!(folded.totals, record.totals, "and the totals");
    let given: NanoUsd = log.given.values().copied().sum();
    assert_eq!(folded.spent().cost, record.totals.cost + given);
    if matches!(
        head.status,
        RunStatus::Queued | RunStatus::WaitingForInput | RunStatus::Completed
    ) {
        assert!(!head.owned, "a run that waits or has ended holds no worker");
    }
    assert_eq!(log.terminal.is_some(), head.status.is_terminal());
    assert_eq!(record.totals, log.totals, "totals are the sum of the calls");
    if head.status.is_terminal() {
        assert_eq!(log.terminal, Some(head.status));
        assert!(
            log.open.is_empty(),
            "each call has its result before the end"
        );
        let credits = credits_for(
            log.costs.iter().copied(),
            runloom_domain::CreditRate::default(),
        );
        assert_eq!(record.credits_used, Some(credits));
    }
    positions(world, thread).await;
    assert_eq!(
        history(world, run, thread).await,
        log.open,
        "the messages lack the results of open calls, and no others"
    );
    head.status
}

/// What a log's events add up to.
#[derive(Default)]
struct Log {
    open: BTreeSet<ToolCallId>,
    starts: BTreeMap<ToolCallId, u32>,
    retry_allowed: BTreeSet<ToolCallId>,
    once: BTreeSet<ToolCallId>,
    requests: BTreeMap<runloom_domain::RequestId, ToolCallId>,
    /// What is given to the runs that calls spawn.
    given: BTreeMap<ToolCallId, NanoUsd>,
    totals: RunTotals,
    costs: Vec<(NanoUsd, runloom_domain::Multiplier)>,
    terminal: Option<RunStatus>,
    /// The step and the attempt of the model call under way.
    calling: Option<(u32, u32)>,
    completed_steps: u32,
}

impl Log {
    fn take(&mut self, body: &EventBody, private: Option<&EventPrivate>) {
        assert!(
            self.terminal.is_none(),
            "nothing follows the terminal event"
        );
        if let Some(EventPrivate::Call { call, .. } | EventPrivate::Summary { call, .. }) = private
        {
            self.totals = self.totals.plus(call);
            self.costs.push((call.cost, call.multiplier));
        }
        match body {
            EventBody::StepStarted(started) => {
                assert!(
                    self.open.is_empty(),
                    "a model call begins with open tool calls"
                );
                assert_eq!(
                    started.step,
                    self.completed_steps + 1,
                    "no step is done again"
                );
                self.calling = Some((started.step, started.attempt));
            }
            EventBody::MessageDelta(delta) => assert_eq!(
                self.calling,
                Some((delta.step, delta.attempt)),
                "text belongs to the call under way"
            ),
            EventBody::StepRetried(retried) => {
                let ended = self.calling.take();
                assert_eq!(ended, Some((retried.step, retried.attempt)));
            }
            EventBody::HistorySummarised(summarised) => {
                let ended = self.calling.take();
                assert_eq!(ended, Some((summarised.step, summarised.attempt)));
            }
            EventBody::StepCompleted(completed) => {
                let ended = self.calling.take().map(|(step, _)| step);
                assert_eq!(ended, Some(completed.step));
                self.completed_steps = completed.step;
            }
            EventBody::ToolCall(called) => {
                assert!(self.open.insert(called.tool_call_id), "a call is made once");
                if matches!(called.tool_name.as_str(), "once" | "ask_first") {
                    self.once.insert(called.tool_call_id);
                }
            }
            EventBody::ToolStarted(started) => {
                self.start(started.tool_call_id);
                if let Some(EventPrivate::Spawn { share, .. }) = private {
                    let again = self.given.insert(started.tool_call_id, share.cost);
                    assert_eq!(again, None, "a run is spawned once");
                    assert!(self.given.len() <= MAX_CHILDREN, "no more than may be");
                }
            }
            EventBody::ToolResult(result) => {
                if result.error.is_some() {
                    self.given.remove(&result.tool_call_id);
                }
                assert!(
                    self.open.remove(&result.tool_call_id),
                    "a result answers an open call"
                );
            }
            EventBody::WaitingForInput(waiting) => {
                self.requests = waiting
                    .requests
                    .iter()
                    .filter_map(|r| Some((r.request_id, r.tool_call_id?)))
                    .collect();
            }
            EventBody::InputReceived(input) if input.decision == Decision::Retry => {
                self.retry_allowed
                    .extend(self.requests.get(&input.request_id));
            }
            EventBody::RunCompleted(_) => self.terminal = Some(RunStatus::Completed),
            EventBody::RunFailed(_) => self.terminal = Some(RunStatus::Failed),
            EventBody::RunCancelled(_) => self.terminal = Some(RunStatus::Cancelled),
            _ => {}
        }
    }

    fn start(&mut self, call: ToolCallId) {
        assert!(self.open.contains(&call), "only an open call is started");
        let starts = self.starts.entry(call).or_default();
        *starts += 1;
        if self.once.contains(&call) && *starts > 1 {
            assert!(
                self.retry_allowed.remove(&call),
                "a once tool was started again unasked"
            );
        }
    }
}

/// The positions of a thread's messages are dense.
async fn positions(world: &World, thread: ThreadId) {
    let page = Page {
        limit: 10_000,
        before: None,
    };
    let listed = world.bench.store.messages(world.org, thread, page, true);
    let listed = listed.await.expect("messages").expect("a thread").items;
    let positions: Vec<_> = listed.iter().rev().map(|m| m.position).collect();
    let dense: Vec<_> = (1..=positions.len() as u64).collect();
    assert_eq!(positions, dense, "positions are dense");
}

/// What a run sees of its thread is in order, and pairs up. Returns the run's own calls that
/// have no result yet.
async fn history(world: &World, run: RunId, thread: ThreadId) -> BTreeSet<ToolCallId> {
    let store = &world.bench.store;
    let part = HistoryPart::newest(u64::MAX, 10_000);
    let messages = store
        .history(world.org, thread, run, part)
        .await
        .expect("a history");
    let mut asked = BTreeMap::new();
    assert!(messages.is_sorted_by_key(|message| message.position));
    for message in &messages {
        match &message.body {
            MessageBody::Assistant { tool_calls, .. } => {
                let of_run = |call: &ToolCallRequest| (call.tool_call_id, message.run_id);
                asked.extend(tool_calls.iter().map(of_run));
            }
            MessageBody::Tool { tool_call_id, .. } => {
                assert_eq!(
                    asked.remove(tool_call_id),
                    Some(message.run_id),
                    "a result follows its call, once"
                );
            }
            MessageBody::User { .. } => {}
        }
    }
    let own = asked.into_iter().filter(|(_, of)| *of == Some(run));
    own.map(|(call, _)| call).collect()
}
