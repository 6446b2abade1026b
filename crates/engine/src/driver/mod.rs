//! Works on one run: wait, decide, commit, then act.

mod act;
mod board;
mod bound;
mod budget;
mod call;
mod history;
mod load;
mod open;
mod summary;
mod tools;
mod window;

pub(crate) use bound::Bound;
pub(crate) use load::{LoadError, Taken, fold_log, load};

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{
    EncodedEvent, Event, MessageId, NewEvent, OrgId, RequestId, RunId, RunStatus, ThreadId,
};
use runloom_store::{Change, Remaining};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::agents;
use crate::definitions::Pinned;
use crate::fault::{self, Bug};
use crate::machine::{Context, Decision, Effect, Input, Phase, RunState, StopCause, decide};
use crate::shared::{Shared, random_u32};
use crate::writer::Refused;

/// What the node wants of a run's driver. Levels, not messages: being told twice changes
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// The log may hold a cancel request: look.
    pub(crate) cancel: bool,
    /// The node is being stopped: begin nothing new.
    pub(crate) drain: bool,
}

/// A run in this node's hands.
pub(crate) struct Owned {
    pub(crate) org_id: OrgId,
    pub(crate) run_id: RunId,
    pub(crate) thread_id: ThreadId,
    pub(crate) epoch: u64,
    pub(crate) state: RunState,
    /// Whether its time had come when it was claimed.
    pub(crate) due: bool,
    /// What it may use in its first step, when its creation has said so.
    pub(crate) granted: Option<Remaining>,
}

/// Why a driver stops.
enum Stop {
    /// The run waits, or has ended, or stands at a step boundary of a stopping node.
    LetGo,
    /// The run isn't this node's any more.
    Lost,
    /// Something failed that may work when the run is loaded anew.
    Broken,
}

/// How a driver left its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It waits, has ended, or stands at a step boundary of a stopping node.
    LetGo(RunStatus),
    /// It isn't this node's any more.
    Lost,
    /// It is this node's still, and has to be loaded anew.
    Broken,
    /// It could not be loaded because the database is unavailable.
    Unread,
}

pub(crate) struct Driver {
    shared: Arc<Shared>,
    run: Owned,
    orders: watch::Receiver<Orders>,
    bound: Bound,
    call: Option<call::LiveCall>,
    tools: tools::RunningTools,
    /// The definitions of the run's tools, once calls have to be checked against them.
    pinned: Pinned,
    /// When a short wait ends.
    timer: Option<Instant>,
    /// When the run's whole time is over.
    deadline: Option<Instant>,
    /// Deltas that are committed together with what follows them.
    pending: Vec<EncodedEvent>,
}

impl Driver {
    pub(crate) fn new(
        shared: Arc<Shared>,
        run: Owned,
        orders: watch::Receiver<Orders>,
        bound: Bound,
    ) -> Self {
        let deadline = deadline(&shared, &run.state);
        Self {
            shared,
            run,
            orders,
            bound,
            call: None,
            tools: tools::RunningTools::default(),
            pinned: Pinned::default(),
            timer: None,
            deadline,
            pending: Vec::new(),
        }
    }

    /// Works until the run waits, ends or is lost.
    pub(crate) async fn drive(mut self: Box<Self>, first: Input) -> Left {
        let begun = self.run.state.begun;
        let span = tracing::info_span!("run", run_id = %begun.run, thread_id = %begun.thread,
            trace_id = %begun.trace, org_id = %self.run.org_id);
        let driven = async move {
            match self.run_loop(first).await {
                Stop::LetGo => {
                    let (status, last_seq) = (self.run.state.status, self.run.state.last_seq);
                    tracing::info!(%status, last_seq, "let go of the run");
                    has_let_go(&self.shared, &self.run).await;
                    Left::LetGo(status)
                }
                Stop::Lost => {
                    tracing::info!(
                        epoch = self.run.epoch,
                        "the run is not this node's any more"
                    );
                    Left::Lost
                }
                Stop::Broken => Left::Broken,
            }
        };
        driven.instrument(span).await
    }

    async fn run_loop(&mut self, first: Input) -> Stop {
        let mut input = first;
        loop {
            // Boxed, so that the task of a run that waits is as small as its waiting.
            if let Err(stop) = Box::pin(self.take(input)).await {
                return stop;
            }
            let waited = self.wait().await;
            self.bound.set(None);
            match waited {
                Ok(next) => input = next,
                Err(stop) => return stop,
            }
        }
    }

    /// Decides on an input, commits and acts.
    async fn take(&mut self, input: Input) -> Result<(), Stop> {
        loop {
            self.know_tools(&input).await?;
            let decision = self.decide(input.clone());
            let mut effects = decision.effects.clone();
            if fault::planted(Bug::EarlyEffect) {
                self.act_too_early(&mut effects).await?;
            }
            let decided_on = self.run.state.status;
            let early = self.early_history(&decision);
            let commit = self.commit(decision, Some(decided_on));
            let (committed, early) = tokio::join!(commit, early);
            match committed? {
                Committed::Yes => return self.act(effects, early).await,
                // A cancel request came first: stop what runs, then decide again with it.
                Committed::Moved if self.run.state.status != decided_on => self.stop_work().await,
                Committed::Moved => {
                    tracing::error!(run_id = %self.run.run_id, status = %decided_on,
                        "the run's row and its log disagree");
                    return Err(Stop::Broken);
                }
            }
        }
    }

    fn decide(&self, input: Input) -> Decision {
        let clock = &self.shared.parts.clock;
        let pinned = &self.pinned;
        let cx = Context {
            now: clock.now(),
            entropy: random_u32(),
            due: self.run.due,
            draining: self.orders.borrow().drain,
            check: &|pin, arguments| pinned.check(pin, arguments),
            max_parallel: self.shared.config.max_parallel_tools,
            running: self.tools.ids(),
            message_id: &|| MessageId::generate(clock.now()),
            request_id: &|| RequestId::generate(clock.now()),
        };
        decide(&self.run.state, input, &cx)
    }

    /// Appends the pending deltas and the decision's events, and folds them into the state.
    async fn commit(
        &mut self,
        decision: Decision,
        expect_status: Option<RunStatus>,
    ) -> Result<Committed, Stop> {
        let now = self.shared.parts.clock.now();
        let deltas = self.pending.len() as u64;
        if deltas == 0 && decision.events.is_empty() && decision.projection.is_none() {
            return Ok(Committed::Yes);
        }
        let mut events = std::mem::take(&mut self.pending);
        events.extend(decision.events.iter().map(|event| event.encode(now)));
        let change = Change {
            org_id: self.run.org_id,
            run_id: self.run.run_id,
            epoch: self.run.epoch,
            expect_status,
            events,
            projection: decision.projection,
        };
        // Only a change that depends on the status can be given back.
        let kept = match expect_status {
            Some(_) => change.events[..deltas as usize].to_vec(),
            None => Vec::new(),
        };
        fault_before(&decision.events);
        match self.shared.writer.append(change).await {
            Ok(base) => {
                self.fold(base, deltas, decision.events).await?;
                Ok(Committed::Yes)
            }
            Err(Refused::Moved) => {
                self.pending = kept;
                self.catch_up(u64::MAX).await?;
                Ok(Committed::Moved)
            }
            Err(Refused::Stale) => {
                tracing::info!(run_id = %self.run.run_id, epoch = self.run.epoch,
                    "an append of an earlier epoch was refused");
                Err(Stop::Lost)
            }
            Err(Refused::Invalid(reason)) => {
                tracing::error!(run_id = %self.run.run_id, reason, "the store refused an append");
                Err(Stop::Broken)
            }
        }
    }

    /// Folds what was committed, and before it what others wrote meanwhile.
    async fn fold(&mut self, base: u64, deltas: u64, events: Vec<NewEvent>) -> Result<(), Stop> {
        if base != self.run.state.last_seq {
            self.catch_up(base).await?;
        }
        let now = self.shared.parts.clock.now();
        self.run.state.last_seq = base + deltas;
        for event in events {
            self.shared.metrics.event(&event);
            let NewEvent { body, private } = event;
            fault_after(&body);
            let seq = self.run.state.last_seq + 1;
            self.run.state.apply(&Event {
                seq,
                created_at: now,
                body,
                private,
            });
        }
        Ok(())
    }

    /// Folds the log's events up to `until` that this driver hasn't written.
    async fn catch_up(&mut self, until: u64) -> Result<(), Stop> {
        load::catch_up(&self.shared, &mut self.run, until)
            .await
            .map_err(|error| {
                tracing::error!(run_id = %self.run.run_id, error = %error, "the log can't be read");
                Stop::Broken
            })
    }

    /// Waits for the next thing to decide on.
    async fn wait(&mut self) -> Result<Input, Stop> {
        loop {
            if self.is_idle() {
                return Err(Stop::LetGo);
            }
            self.bound.set(self.latest());
            tokio::select! {
                biased;
                ordered = self.orders.changed() => {
                    // The registry drops its end only when the node drops the run.
                    ordered.map_err(|_| Stop::Lost)?;
                    if let Some(input) = Box::pin(self.obey()).await? {
                        return Ok(input);
                    }
                }
                () = sleep_until(self.deadline) => {
                    let cut = Box::pin(self.stop_work_with_cut()).await;
                    return Ok(Input::Stopped { cause: StopCause::TimedOut, cut });
                }
                () = sleep_until(self.timer), if self.timer.is_some() => {
                    self.timer = None;
                    return Ok(Input::WaitOver);
                }
                heard = self.tools.next(), if !self.tools.is_empty() => match heard {
                    tools::Heard::Ended(outcome) => {
                        fault::point("after_effect");
                        return Ok(Input::ToolFinished(*outcome));
                    }
                    tools::Heard::Progress(reports) => Box::pin(self.show(reports)).await?,
                },
                progress = call::progress(&mut self.call), if self.call.is_some() => {
                    if let Some(input) = Box::pin(self.take_progress(progress)).await? {
                        return Ok(input);
                    }
                }
            }
        }
    }

    /// When one of the things that are waited for must have happened, with time to spare.
    fn latest(&self) -> Option<Instant> {
        let call = self.call.as_ref().and_then(call::LiveCall::latest);
        let all = [self.deadline, self.timer, call, self.tools.latest()];
        let first = all.into_iter().flatten().min();
        first.map(|latest| latest + self.shared.config.watch_slack)
    }

    /// Whether nothing is under way: only a stopping node leaves a run like that.
    fn is_idle(&self) -> bool {
        self.call.is_none() && self.tools.is_empty() && self.timer.is_none()
    }

    /// Looks at what the node wants.
    async fn obey(&mut self) -> Result<Option<Input>, Stop> {
        let orders = *self.orders.borrow_and_update();
        if orders.cancel && !self.run.state.cancel_requested {
            self.catch_up(u64::MAX).await?;
        }
        if self.run.state.cancel_requested {
            let cut = self.stop_work_with_cut().await;
            return Ok(Some(Input::Stopped {
                cause: StopCause::Cancel,
                cut,
            }));
        }
        if orders.drain {
            // A back-off is a step boundary: whoever takes the run waits for the rest of it.
            self.timer = None;
        }
        Ok(None)
    }
}

/// What follows for other runs when this one has been let go of.
async fn has_let_go(shared: &Arc<Shared>, run: &Owned) {
    if run.state.status.is_terminal() {
        agents::ended(shared, run.org_id, run.run_id, &run.state);
    } else {
        agents::look_again(shared, run).await;
    }
}

enum Committed {
    Yes,
    /// The run's status had changed; the state knows why now.
    Moved,
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// When the run's whole time is over.
fn deadline(shared: &Shared, state: &RunState) -> Option<Instant> {
    let limit = state.spec.limits.timeout_seconds;
    if limit == 0 || state.phase == Phase::Queued {
        return None;
    }
    let age = shared.parts.clock.now().since(state.started_at);
    Some(Instant::now() + Duration::from_secs(limit).saturating_sub(age))
}

/// The crash window before tools begin: nobody knows yet that they will.
fn fault_before(events: &[NewEvent]) {
    let begins = |event: &NewEvent| matches!(event.body, runloom_domain::EventBody::ToolStarted(_));
    if events.iter().any(begins) {
        fault::point("before_intent");
    }
}

/// The crash windows of the log.
fn fault_after(body: &runloom_domain::EventBody) {
    use runloom_domain::EventBody as E;
    match body {
        E::ToolStarted(_) => fault::point("after_intent"),
        E::ToolResult(_) => fault::point("after_result"),
        E::StepCompleted(_) => fault::point("after_step_commit"),
        _ => {}
    }
}

/// Ids of tool calls under way.
pub(crate) type Running = BTreeSet<runloom_domain::ToolCallId>;
/// An effect list, for `act`.
type Effects = Vec<Effect>;
