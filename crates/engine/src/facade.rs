use runloom_domain::{
    ApiKeyId, BudgetName, LimitOverrides, OrgId, RequestId, RunId, RunStatus, ThreadId,
    ToolDefinition, TraceId, UserId,
};
use runloom_store::{Idempotency, KeyConflict, LiveScope, Rewind, StoreError, StoredAnswer};

use crate::port::catalog::CatalogError;
use crate::port::tool::SourceError;

/// What to do when the thread is busy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenBusy {
    /// Create nothing.
    #[default]
    Reject,
    /// Wait behind what is there.
    Enqueue,
    /// Cancel the live run and wait for its end.
    Interrupt,
}

/// A run that a person wants.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// Their organisation.
    pub org_id: OrgId,
    /// They.
    pub user_id: UserId,
    /// The API key that they use, if they use one.
    pub api_key_id: Option<ApiKeyId>,
    /// The thread.
    pub thread_id: ThreadId,
    /// The new run's id, minted by the caller.
    pub run_id: RunId,
    /// The request's trace.
    pub trace_id: TraceId,
    /// The route asked for.
    pub route_id: Option<String>,
    /// `key`, `key@version`, or absent for the default persona.
    pub persona_id: Option<String>,
    /// What to do when the thread is busy.
    pub when_busy: WhenBusy,
    /// A message that is posted with it.
    pub input: Option<String>,
    /// A JSON object's text, at most 16 KB. The persona's prompt may have values of it.
    pub metadata: Option<String>,
    /// Tighter limits.
    pub limits: LimitOverrides,
    /// Tools that the client itself runs: at most 64, of 64 KiB in all.
    pub tools: Vec<ToolDefinition>,
    /// Goes back in the thread first.
    pub rewind: Option<Rewind>,
    /// Makes it happen once.
    pub once: Option<Idempotency>,
}

impl StartRun {
    /// A run with the default persona and route, and nothing else asked for.
    pub fn new(
        org_id: OrgId,
        user_id: UserId,
        thread_id: ThreadId,
        run_id: RunId,
        trace_id: TraceId,
    ) -> Self {
        Self {
            org_id,
            user_id,
            api_key_id: None,
            thread_id,
            run_id,
            trace_id,
            route_id: None,
            persona_id: None,
            when_busy: WhenBusy::Reject,
            input: None,
            metadata: None,
            limits: LimitOverrides::default(),
            tools: Vec::new(),
            rewind: None,
            once: None,
        }
    }
}

/// What became of [`Engine::start_run`](crate::Engine::start_run).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartedRun {
    /// It is there: `Running` or `Queued`.
    Created(RunStatus),
    /// The same request had made one before.
    Replayed(StoredAnswer),
}

/// Why a run was not started; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such thread.
    #[error("no such thread")]
    NoThread,
    /// The run that it is to be a child of has ended, or isn't there.
    #[error("the parent run has ended")]
    NoParent,
    /// No message to go back to.
    #[error("no such message")]
    NoMessage,
    /// No such persona or version.
    #[error("no such persona")]
    NoPersona,
    /// No such route, or no default one.
    #[error("no such route")]
    NoRoute,
    /// The route can't be used now.
    #[error("the route can't be used: {0}")]
    RouteUnavailable(String),
    /// The run asks for more than its persona allows.
    #[error(transparent)]
    Limit(#[from] runloom_domain::LimitTooLarge),
    /// The persona's prompt has places for values that the run's metadata doesn't have.
    #[error("the prompt needs values in the run's metadata: {}", .0.join(", "))]
    MissingVariables(Vec<String>),
    /// The prompt is too long with the values of the run's metadata in it.
    #[error("the prompt is too long with the run's metadata in it")]
    PromptTooLong,
    /// The client's tools can't be taken.
    #[error("the run's tools can't be taken: {0}")]
    Tools(String),
    /// What other tools there are can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The thread has this run, which hasn't ended.
    #[error("the thread is busy with run {0}")]
    Busy(RunId),
    /// As many runs as may are waiting in the thread.
    #[error("the thread's queue is full")]
    QueueFull,
    /// There are as many live runs as may be.
    #[error("too many live runs")]
    TooManyLive(LiveScope),
    /// The organisation hasn't got the credits that the run has to reserve.
    #[error("not enough credits")]
    NoCredit,
    /// This budget has been used up, or is held by other runs.
    #[error("a budget is exhausted")]
    NoBudget(BudgetName),
    /// The idempotency key can't be used.
    #[error("the idempotency key can't be used")]
    Key(KeyConflict),
    /// The configuration can't be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An answer to one request of a waiting run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenAnswer {
    /// The request; the only open one when absent.
    pub request_id: Option<RequestId>,
    /// The answer.
    pub content: String,
}

/// What a person answers a waiting run: all of it is taken, or nothing.
#[derive(Clone, Debug)]
pub struct GiveInput {
    /// Their organisation.
    pub org_id: OrgId,
    /// They.
    pub user_id: UserId,
    /// The run.
    pub run_id: RunId,
    /// The answers, each to another request.
    pub answers: Vec<GivenAnswer>,
}

/// Why an answer was not taken; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// No such run.
    #[error("no such run")]
    NoRun,
    /// The run is not waiting, or not for this.
    #[error("the run is not waiting for input")]
    NotWaiting,
    /// The run has ended or is being cancelled.
    #[error("the run is not active")]
    NotActive,
    /// Several requests are open and none was named.
    #[error("several requests are open: name one by request_id")]
    Ambiguous(Vec<RequestId>),
    /// An answer does not fit its request, or the schema of its question, or the arguments in it
    /// can't be used; says what is wrong, in at most a few hundred bytes.
    #[error("{why}")]
    Unfit {
        /// Which of the answers, from 0.
        index: usize,
        /// What is wrong.
        why: String,
    },
    /// The answer was given for other arguments than those that are asked about.
    #[error("the arguments are not those that the answer is for")]
    OtherArguments,
    /// The log can't be read, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a run can't be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No such run.
    #[error("no such run")]
    NoRun,
    /// The cursor lies beyond the log.
    #[error("the cursor is beyond the last event, {last_seq}")]
    CursorAhead {
        /// The last event's seq.
        last_seq: u64,
    },
    /// The run has ended long ago, and its events are not kept any more.
    #[error("the run's events have expired")]
    Expired,
    /// The run has ended and the cursor is at its end: nothing will ever follow.
    #[error("the run has ended and everything has been read")]
    Finished,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// From where a run is watched.
#[derive(Clone, Copy, Debug)]
pub struct WatchRun {
    /// The organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// Only events after this seq; 0 for all.
    pub after: u64,
    /// Whether to wait for what is yet to come.
    pub follow: bool,
}

/// Why a run's end could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// No such run.
    #[error("no such run")]
    NoRun,
    /// The log can't be read, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
