//! Tool calls under way.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use runloom_domain::event::ToolProgress;
use runloom_domain::{EventPrivate, ToolCallId, ToolClass, ToolOrigin, ToolPin};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::board::Board;
use super::{Owned, Running};
use crate::agents::{self, AgentCall, Said};
use crate::machine::ToolOutcome;
use crate::port::tool::{Progress, Tool, ToolContext, ToolError, ToolReply};
use crate::shared::Shared;

/// How long a stopped tool may take to let go. A tool stops when its future is dropped; only
/// one that blocks a thread can be late, and the run doesn't wait for it for ever.
const STOP_GRACE: Duration = Duration::from_secs(4);
/// How long it may take to find a tool that isn't this process's own.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// The most output that is kept of one call, in bytes.
const MAX_OUTPUT: usize = 8 * 1024 * 1024;
/// The most that the model is shown of it, whatever the tool says.
const MAX_SHOWN: usize = 64 * 1024;

/// The run's tool calls under way, each a task of its own: one that fails or panics never
/// takes another with it.
#[derive(Default)]
pub(super) struct RunningTools {
    ids: Running,
    board: Board,
    tasks: JoinSet<ToolOutcome>,
}

/// What a call has come to.
struct Worked {
    result: Result<ToolReply, ToolError>,
    output_cap: usize,
    private: Option<EventPrivate>,
}

impl From<Result<ToolReply, ToolError>> for Worked {
    fn from(result: Result<ToolReply, ToolError>) -> Self {
        Self {
            result,
            output_cap: MAX_SHOWN,
            private: None,
        }
    }
}

impl From<Said> for Worked {
    fn from(said: Said) -> Self {
        Self {
            private: said.private,
            ..Self::from(said.result)
        }
    }
}

/// What the calls have to say.
pub(super) enum Heard {
    /// One has ended.
    Ended(Box<ToolOutcome>),
    /// Some say how far they are; or none, and when they must have ended is known better.
    Progress(Vec<ToolProgress>),
}

impl RunningTools {
    pub(super) fn ids(&self) -> &Running {
        &self.ids
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Starts a call whose intent is committed.
    pub(super) fn start(
        &mut self,
        shared: &Arc<Shared>,
        run: &Owned,
        tool_call_id: ToolCallId,
        name: &str,
        arguments: Value,
    ) {
        self.ids.insert(tool_call_id);
        let heard = Arc::new(Notify::new());
        let call = run.state.call(tool_call_id);
        let context = ToolContext {
            org_id: run.org_id,
            run_id: run.run_id,
            tool_call_id,
            attempt: call.map_or(1, |call| call.starts),
            input: call.and_then(|call| call.input.clone()),
            progress: self.progress(tool_call_id, heard.clone()),
            http_allow: run.state.spec.http_allow.clone(),
        };
        let pin = run.state.spec.tool(name).cloned();
        let work = match AgentCall::of(shared, run, tool_call_id, pin.as_ref()) {
            Some(call) => {
                let latest = Instant::now() + agents::TIMEOUT;
                self.board.add(tool_call_id, latest);
                call.make(arguments).map(Worked::from).boxed()
            }
            None => self.work(shared, name, pin, context, arguments, heard),
        };
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let worked = AssertUnwindSafe(work).catch_unwind().await;
            let broke = |_| Err(ToolError::failed("the tool broke down")).into();
            let worked: Worked = worked.unwrap_or_else(broke);
            let duration_ms = begun.elapsed().as_millis() as u64;
            ToolOutcome {
                tool_call_id,
                result: worked.result,
                duration_ms,
                output_cap: worked.output_cap,
                private: worked.private,
            }
        });
    }

    /// The call of a tool of this process or of a source.
    fn work(
        &self,
        shared: &Arc<Shared>,
        name: &str,
        pin: Option<ToolPin>,
        context: ToolContext,
        arguments: Value,
        heard: Arc<Notify>,
    ) -> BoxFuture<'static, Worked> {
        let id = context.tool_call_id;
        let own = own(shared, name, pin.as_ref());
        let most = own.as_ref().map_or(OPEN_TIMEOUT, longest);
        self.board.add(id, Instant::now() + most);
        let (shared, board, name) = (shared.clone(), self.board.clone(), name.to_owned());
        let opened = async move {
            let tool = match (own, pin) {
                (Some(own), _) => own,
                (None, Some(pin)) => {
                    let tool = open(&shared, &context, &pin).await?;
                    board.set_latest(id, Instant::now() + longest(&tool));
                    // What was woken may stand behind this task on its thread, where nobody else
                    // takes it: it must not wait for a tool that holds on to the thread.
                    tokio::task::yield_now().await;
                    tool
                }
                (None, None) => return Err(missing(&name)),
            };
            Ok(run_tool(&tool, context, arguments, &heard).await)
        };
        let worked = async { opened.await.unwrap_or_else(|error| Err(error).into()) };
        worked.boxed()
    }

    /// Where a call reports to: what it says is shown, and moves its deadline.
    fn progress(&self, id: ToolCallId, heard: Arc<Notify>) -> Progress {
        let board = self.board.clone();
        Progress::to(move |report| {
            board.report(id, report);
            heard.notify_one();
        })
    }

    /// When one of them must have ended.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.board.latest()
    }

    /// What the calls say next. Cancel safe.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            tokio::select! {
                biased;
                ended = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    // A task can't panic, and is only aborted by `stop`.
                    if let Some(Ok(outcome)) = ended {
                        self.ids.remove(&outcome.tool_call_id);
                        self.board.remove(outcome.tool_call_id);
                        return Heard::Ended(Box::new(outcome));
                    }
                }
                progress = self.board.next() => return Heard::Progress(progress),
            }
        }
    }

    /// Drops all calls and waits until they have let go.
    pub(super) async fn stop(&mut self) {
        self.tasks.abort_all();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_GRACE, all).await.is_err() {
            tracing::warn!(calls = self.tasks.len(), "tools did not stop in time");
            self.tasks.detach_all();
        }
        self.ids.clear();
        self.board.clear();
    }
}

/// The process's own tool of this name, if that is what the run has pinned.
fn own(shared: &Shared, name: &str, pin: Option<&ToolPin>) -> Option<Arc<dyn Tool>> {
    let is_own = pin.is_none_or(|pin| pin.origin == ToolOrigin::Builtin);
    let tool = is_own.then(|| shared.parts.tools.get(name)).flatten();
    tool.cloned()
}

/// The run froze a tool that this process doesn't have (any more).
fn missing(name: &str) -> ToolError {
    ToolError::unavailable(format!("{name} is not available on this server"))
}

/// The tool of a source.
async fn open(
    shared: &Shared,
    context: &ToolContext,
    pin: &ToolPin,
) -> Result<Arc<dyn Tool>, ToolError> {
    if pin.origin == ToolOrigin::Builtin {
        return Err(missing(&pin.name));
    }
    let opened = shared.open_tool(context.org_id, pin);
    match tokio::time::timeout(OPEN_TIMEOUT, opened).await {
        Ok(opened) => opened,
        Err(_) => Err(ToolError::unavailable(format!(
            "{} could not be reached in {} s",
            pin.name,
            OPEN_TIMEOUT.as_secs()
        ))),
    }
}

/// The most time that a call of a tool can take.
fn longest(tool: &Arc<dyn Tool>) -> Duration {
    tool.longest().max(tool.timeout())
}

/// Runs a tool within its time.
async fn run_tool(
    tool: &Arc<dyn Tool>,
    context: ToolContext,
    arguments: Value,
    heard: &Notify,
) -> Worked {
    let output_cap = tool.output_cap().min(MAX_SHOWN);
    let begun = Instant::now();
    let (limit, end) = (tool.timeout(), begun + longest(tool));
    let mut deadline = begun + limit;
    let call = AssertUnwindSafe(tool.call(context, arguments)).catch_unwind();
    let mut call = std::pin::pin!(call);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut call => break result.unwrap_or_else(|_| {
                Err(broken_off(tool, "tool.failed", "the tool broke down".to_owned()))
            }),
            () = heard.notified() => deadline = end.min(Instant::now() + limit),
            () = tokio::time::sleep_until(deadline) => {
                let seconds = begun.elapsed().as_secs();
                let message = format!("the tool took longer than {seconds} s");
                break Err(broken_off(tool, "tool.timeout", message));
            }
        }
    };
    let result = match result {
        Ok(ToolReply::NotYet(_)) if !tool.waits() => {
            Err(ToolError::failed("the tool has nothing to say"))
        }
        result => result.map(cap),
    };
    Worked {
        output_cap,
        ..Worked::from(result)
    }
}

/// A call that has not come to its end. What it has done by then nobody knows: of a tool that must
/// not happen twice a person is asked, as after a crash. One that waits only asks how things stand.
fn broken_off(tool: &Arc<dyn Tool>, class: &str, message: String) -> ToolError {
    if tool.class() == ToolClass::Once && !tool.waits() {
        return ToolError::outcome_unknown(message);
    }
    ToolError::new(class, message)
}

/// Keeps the beginning of an output without end.
fn cap(mut reply: ToolReply) -> ToolReply {
    if let ToolReply::Output(output) = &mut reply {
        let end = runloom_domain::text::prefix(output, MAX_OUTPUT).len();
        output.truncate(end);
    }
    reply
}

#[cfg(test)]
mod tests;
