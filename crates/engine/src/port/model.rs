//! The model port.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use runloom_domain::event::FinishReason;
use runloom_domain::{Generation, Message, NanoUsd, OrgId, Route, RunId, ToolDefinition, Usage};
use serde_json::Value;

/// Speaks to model providers.
#[async_trait]
pub trait ModelPort: Send + Sync + 'static {
    /// Begins one model call and returns its stream, once the provider has accepted it.
    ///
    /// Dropping the future or the stream closes the connection to the provider: that is how a
    /// call is cancelled. The adapter watches the route's header and idle timeouts, bounds every
    /// inbound frame, and tries nothing again; the total time and retries are the engine's. A stream ends with
    /// [`ModelEvent::Finished`] or an error; one that ends with neither counts as cut.
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError>;
}

/// What a model call yields.
pub type ModelStream = BoxStream<'static, Result<ModelEvent, ModelError>>;

/// One try of a model call.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// Whose call it is; a credential is looked up by this and the route's id.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// The step, from 1.
    pub step: u32,
    /// The try, from 1.
    pub attempt: u32,
    /// Where to.
    pub route: Route,
    /// The system prompt.
    pub prompt: String,
    /// The conversation; every tool call in it has its result.
    pub messages: Vec<Message>,
    /// The tools that may be called, sorted by name.
    pub tools: Vec<ToolDefinition>,
    /// How the answer shall be made.
    pub generation: Generation,
    /// The most output tokens.
    pub max_output_tokens: Option<u64>,
}

/// A piece of a model's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// Answer text.
    Text(String),
    /// Reasoning text.
    Reasoning(String),
    /// A tool call, whole.
    ToolCall {
        /// The provider's id for it; not necessarily unique in a run.
        provider_id: String,
        /// The tool's name as the model wrote it.
        name: String,
        /// The arguments as the model wrote them; JSON if all is well.
        arguments: String,
    },
    /// What the call used so far; the last one counts. Figures that aren't credible are not
    /// sent, and the engine then estimates.
    Usage(Usage),
    /// What the provider says that the call cost; the last one counts, and only for a route
    /// without prices.
    Cost(NanoUsd),
    /// The end of a whole answer.
    Finished {
        /// Why the model stopped.
        reason: FinishReason,
        /// What the provider wants back in a tool loop.
        provider: Option<Value>,
    },
}

/// How a model call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// 408, or no answer within the header timeout.
    Timeout,
    /// 429.
    RateLimited,
    /// 5xx, 529, refused, unreachable.
    Unavailable,
    /// It did not end within the time that the route gives a try in all. Another try would
    /// most likely take as long.
    Endless,
    /// The stream broke off before its end.
    Cut,
    /// Nothing came within the idle timeout.
    Stalled,
    /// The stream held what no such provider sends, or a line without end.
    Malformed,
    /// 400, 422: the request itself is at fault.
    BadRequest,
    /// The prompt does not fit the model's context.
    ContextOverflow,
    /// 401 or 403.
    Unauthorized,
    /// 402: the provider's account is out of funds.
    PaymentRequired,
    /// 404: no such model.
    NotFound,
    /// The provider refuses the content.
    ContentFilter,
    /// No adapter or credential for the route.
    NotConfigured,
    /// The credential has failed so often of late that it isn't called for a while.
    Resting,
    /// The answer does not have the form that was asked for.
    InvalidOutput,
    /// The answer was cut, because what is left for it is used up.
    BudgetExhausted,
}

impl ModelErrorKind {
    /// The error class in events.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Timeout | Self::Endless => "provider.timeout",
            Self::RateLimited => "provider.rate_limited",
            Self::Unavailable | Self::Resting => "provider.unavailable",
            Self::Cut => "provider.stream_cut",
            Self::Stalled => "provider.stalled",
            Self::Malformed => "provider.malformed",
            Self::BadRequest => "provider.bad_request",
            Self::ContextOverflow => "provider.context_overflow",
            Self::Unauthorized => "provider.unauthorized",
            Self::PaymentRequired => "provider.payment_required",
            Self::NotFound => "provider.not_found",
            Self::ContentFilter => "provider.content_filter",
            Self::NotConfigured => "provider.not_configured",
            Self::InvalidOutput => "provider.invalid_output",
            Self::BudgetExhausted => "budget.exhausted",
        }
    }

    /// Whether the same call may succeed later.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Timeout
                | Self::RateLimited
                | Self::Unavailable
                | Self::Cut
                | Self::Stalled
                | Self::Malformed
                | Self::Resting
                | Self::InvalidOutput
        )
    }
}

/// A failed model call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What kind of failure.
    pub kind: ModelErrorKind,
    /// In words that clients may see: no secrets, no raw provider payload, at most 500 bytes.
    pub message: String,
    /// How long the provider asked to wait.
    pub retry_after: Option<Duration>,
}

impl ModelError {
    /// A failure without a wish of the provider's.
    pub fn new(kind: ModelErrorKind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            retry_after: None,
        }
    }
}
