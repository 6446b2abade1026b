//! The public data of each event type, as the API documents it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Decision, InputRequest, OnOverflow, RequestId, RunId, RunTotals, ThreadId, Timestamp,
    ToolCallId, ToolCallRequest, TraceId, Usage, UserId,
};

/// `run.started`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run.
    pub run_id: RunId,
    /// Its thread.
    pub thread_id: ThreadId,
    /// The route it starts with.
    pub route_id: String,
    /// `key@version` of its persona.
    pub persona_id: String,
    /// The route's model.
    pub model: String,
    /// The trace of the request that created it.
    pub trace_id: TraceId,
    /// The run that spawned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<RunId>,
}

/// `run.queued`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunQueued {
    /// The run.
    pub run_id: RunId,
    /// Its thread.
    pub thread_id: ThreadId,
    /// The run whose end it waits for.
    pub behind_run_id: RunId,
    /// The trace of the request that created it.
    pub trace_id: TraceId,
    /// The run that spawned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<RunId>,
}

/// `step.started`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepStarted {
    /// The step, from 1.
    pub step: u32,
    /// The try within it, from 1.
    pub attempt: u32,
    /// The route called.
    pub route_id: String,
    /// Its model.
    pub model: String,
    /// What the call is for, when it isn't for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<CallPurpose>,
}

/// What a model call is for besides the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallPurpose {
    /// A summary of the oldest turns, which are too long to be shown.
    Summary,
}

/// `message.delta` and `reasoning.delta`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The piece of text.
    pub content: String,
    /// `assistant` for answer text, absent for reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The step.
    pub step: u32,
    /// The try within it.
    pub attempt: u32,
}

/// `step.retried`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRetried {
    /// The step.
    pub step: u32,
    /// The try that failed.
    pub attempt: u32,
    /// Why, such as `provider.rate_limited`.
    pub error_class: String,
    /// How long the next try waits, in milliseconds.
    pub delay_ms: u64,
    /// Deltas with this seq and later ones, up to this event, are void.
    pub discard_from_seq: u64,
    /// The route of the next try when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_route_id: Option<String>,
}

/// `history.compacted`: the conversation was too long for the model, so from here on it is
/// shown less of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryCompacted {
    /// The step at which it happened.
    pub step: u32,
    /// What becomes of the oldest turns.
    pub policy: OnOverflow,
    /// The most bytes of messages that the model is shown from now on, the question at hand and
    /// the newest step aside.
    pub max_bytes: u64,
}

/// `history.summarised`: the model has made a summary of what it isn't shown any more. The text
/// itself is the engine's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistorySummarised {
    /// The step.
    pub step: u32,
    /// The try within it.
    pub attempt: u32,
    /// What the call used.
    pub usage: Usage,
    /// What it cost, in dollars.
    pub cost_usd: f64,
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It wants tools.
    ToolCalls,
    /// It ran into an output limit.
    Length,
    /// The provider withheld the answer.
    ContentFilter,
    /// The provider gave a reason that isn't one of these.
    Other,
}

/// The assistant message of a step, as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssistantMessage {
    /// Always `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
    /// The tools it asked for.
    pub tool_calls: Vec<ToolCallRequest>,
}

/// `step.completed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCompleted {
    /// The step.
    pub step: u32,
    /// The whole message.
    pub message: AssistantMessage,
    /// Why the model stopped.
    pub finish_reason: FinishReason,
    /// What the call used.
    pub usage: Usage,
    /// What it cost, in dollars.
    pub cost_usd: f64,
}

/// Whether a call runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolApproval {
    /// It runs.
    Auto,
    /// A person is asked.
    Ask,
    /// It does not run.
    Denied,
}

/// `tool.call`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCalled {
    /// The call.
    pub tool_call_id: ToolCallId,
    /// The tool.
    pub tool_name: String,
    /// Its arguments.
    pub arguments: Value,
    /// The step that asked for it.
    pub step: u32,
    /// Whether it runs by itself.
    pub approval: ToolApproval,
}

/// `tool.started`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolStarted {
    /// The call.
    pub tool_call_id: ToolCallId,
    /// The start, from 1; a repeatable tool may be started again after a crash.
    pub attempt: u32,
}

/// Why a tool has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolFailure {
    /// Such as `tool.timeout`.
    pub error_class: String,
    /// In words.
    pub message: String,
}

/// `tool.result`: either `content` or `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResulted {
    /// The call.
    pub tool_call_id: ToolCallId,
    /// The tool.
    pub tool_name: String,
    /// What it returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Why it returned nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ToolFailure>,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// Whether `content` is only the beginning of what it returned.
    pub truncated: bool,
}

/// `tool.progress`: how far a call is, by its own account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolProgress {
    /// The call.
    pub tool_call_id: ToolCallId,
    /// How much is done, in units of the tool's own.
    pub progress: f64,
    /// How much there is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a call that has stopped half-way waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// For an answer of a person.
    Input,
    /// For a time, or for what it has set going.
    Time,
}

/// `tool.paused`: a call has stopped half-way, and will be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolPaused {
    /// The call.
    pub tool_call_id: ToolCallId,
    /// What for.
    pub reason: PauseReason,
    /// Until when at most, if for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// `run.waiting_for_input`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitingForInput {
    /// What is asked.
    pub requests: Vec<InputRequest>,
    /// When the run gives up; absent when it waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `run.input_received`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputReceived {
    /// The request that is answered.
    pub request_id: RequestId,
    /// Who answered.
    pub user_id: UserId,
    /// What was decided.
    pub decision: Decision,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Digest of the arguments that it was decided on; of an edited call, of the new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
}

/// `run.cancel_requested`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelRequested {
    /// Who asked; of a run whose parent has ended, the person it works for.
    pub requested_by_user_id: UserId,
    /// Why, when nobody asked for the end of this very run: `parent_ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a run changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeReason {
    /// Its node died or lost its lease.
    LeaseExpired,
    /// Its node was stopped and handed it over.
    Handover,
}

/// `run.resumed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResumed {
    /// The last event from which the run was rebuilt.
    pub from_seq: u64,
    /// Why.
    pub reason: ResumeReason,
}

/// Totals as clients see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShownTotals {
    /// All input tokens.
    pub total_input_tokens: u64,
    /// All output tokens.
    pub total_output_tokens: u64,
    /// In dollars.
    pub total_cost_usd: f64,
    /// Cache read over all input.
    pub cache_hit_rate: Option<f64>,
    /// The run's one credit entry.
    pub credits_used: i64,
}

impl ShownTotals {
    /// Totals and the credits they come to.
    pub fn new(totals: &RunTotals, credits_used: i64) -> Self {
        Self {
            total_input_tokens: totals.tokens.input_tokens(),
            total_output_tokens: totals.tokens.output_tokens,
            total_cost_usd: totals.cost.as_dollars(),
            cache_hit_rate: totals.tokens.cache_hit_rate(),
            credits_used,
        }
    }
}

/// `run.completed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunCompleted {
    /// The final text.
    pub output: String,
    /// What it used.
    pub totals: ShownTotals,
}

/// `run.failed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFailed {
    /// Such as `provider.unauthorized` or `limits.max_steps`.
    pub error_class: String,
    /// In words.
    pub message: String,
    /// What it used.
    pub totals: ShownTotals,
}

/// `run.cancelled`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunCancelled {
    /// `requested`, or `parent_ended` of a run whose parent has ended.
    pub reason: String,
    /// What it used.
    pub totals: ShownTotals,
}
