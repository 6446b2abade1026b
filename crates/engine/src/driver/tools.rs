//! Tool calls under way.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use runloom_domain::ToolCallId;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Owned, Running};
use crate::machine::ToolOutcome;
use crate::port::tool::{Progress, Tool, ToolContext, ToolError, ToolReply};
use crate::shared::Shared;

/// How long a stopped tool may take to let go. A tool stops when its future is dropped; only
/// one that blocks a thread can be late, and the run doesn't wait for it for ever.
const STOP_GRACE: Duration = Duration::from_secs(4);
/// The most output that is kept of one call, in bytes.
const MAX_OUTPUT: usize = 8 * 1024 * 1024;
/// The most that the model is shown of it, whatever the tool says.
const MAX_SHOWN: usize = 64 * 1024;

/// The run's tool calls under way, each a task of its own: one that fails or panics never
/// takes another with it.
#[derive(Default)]
pub(super) struct RunningTools {
    ids: Running,
    /// When each must have ended.
    latest: HashMap<ToolCallId, Instant>,
    tasks: JoinSet<ToolOutcome>,
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
        shared: &Shared,
        run: &Owned,
        tool_call_id: ToolCallId,
        name: &str,
        arguments: Value,
    ) {
        self.ids.insert(tool_call_id);
        let Some(tool) = shared.parts.tools.get(name).cloned() else {
            // The run froze a tool that this process doesn't have (any more).
            let message = format!("{name} is not available on this server");
            let result = Err(ToolError::unavailable(message));
            self.tasks.spawn(async move {
                ToolOutcome {
                    tool_call_id,
                    result,
                    duration_ms: 0,
                    output_cap: 0,
                }
            });
            return;
        };
        let context = ToolContext {
            org_id: run.org_id,
            run_id: run.run_id,
            tool_call_id,
            attempt: run.state.call(tool_call_id).map_or(1, |call| call.starts),
            input: None,
            progress: Progress::default(),
        };
        self.latest
            .insert(tool_call_id, Instant::now() + tool.timeout());
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let call = AssertUnwindSafe(run_tool(tool, context, arguments)).catch_unwind();
            let (result, output_cap) = call
                .await
                .unwrap_or_else(|_| (Err(ToolError::failed("the tool broke down")), 0));
            let duration_ms = begun.elapsed().as_millis() as u64;
            ToolOutcome {
                tool_call_id,
                result,
                duration_ms,
                output_cap,
            }
        });
    }

    /// When one of them must have ended.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.latest.values().min().copied()
    }

    /// The next call to end. Cancel safe.
    pub(super) async fn next(&mut self) -> ToolOutcome {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(outcome)) => {
                    self.ids.remove(&outcome.tool_call_id);
                    self.latest.remove(&outcome.tool_call_id);
                    return outcome;
                }
                // A task can't panic, and is only aborted by `stop`.
                Some(Err(_)) => {}
                None => std::future::pending().await,
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
        self.latest.clear();
    }
}

/// Runs a tool within its time; returns its output and how much of it is shown.
async fn run_tool(
    tool: Arc<dyn Tool>,
    context: ToolContext,
    arguments: Value,
) -> (Result<ToolReply, ToolError>, usize) {
    let (limit, output_cap) = (tool.timeout(), tool.output_cap().min(MAX_SHOWN));
    let result = match tokio::time::timeout(limit, tool.call(context, arguments)).await {
        Ok(result) => result.map(cap),
        Err(_) => {
            let message = format!("the tool took longer than {} s", limit.as_secs());
            Err(ToolError::new("tool.timeout", message))
        }
    };
    (result, output_cap)
}

/// Keeps the beginning of an output without end.
fn cap(mut reply: ToolReply) -> ToolReply {
    if let ToolReply::Output(output) = &mut reply {
        let end = runloom_domain::text::prefix(output, MAX_OUTPUT).len();
        output.truncate(end);
    }
    reply
}
