//! The values of Runloom: ids, the run status machine, events, messages, personas,
//! routes, token usage and money.
//!
//! This crate does no I/O, knows nothing of async, databases or HTTP, and reads no clock:
//! time comes in as a [`Timestamp`] or through a [`Clock`]. Start with [`RunStatus`] and
//! [`EventBody`]: a run is the sequence of its events, everything else is derived from it.

mod approval;
mod budget;
mod clock;
mod decimal;
mod digest;
pub mod event;
mod generation;
mod id;
mod limits;
mod login;
mod message;
mod money;
mod org;
mod pattern;
mod permission;
mod persona;
mod prompt;
mod request;
mod route;
mod rule;
mod secret;
mod spec;
mod status;
pub mod text;
mod timestamp;
mod tool;
mod totals;
mod url_pattern;
mod usage;

pub use approval::{ApprovalMode, ApprovalPolicy, ApprovalRule, ArgumentRule, ToolPolicy};
pub use budget::{BudgetName, BudgetPeriod, BudgetScope};
pub use clock::{Clock, ManualClock, SystemClock};
pub use decimal::Decimal;
pub use digest::{arguments_digest, hex};
pub use event::{EncodedEvent, Event, EventBody, EventPrivate, NewEvent, StoredEvent};
pub use generation::{Generation, ReasoningEffort, ResponseFormat};
pub use id::{
    ApiKeyId, AuditRecordId, BudgetId, CredentialId, CreditEntryId, HttpToolId, IdParseError,
    InvitationId, McpServerId, MessageId, NodeId, OrgId, PersonaId, RequestId, RouteId, RunId,
    SessionId, ThreadId, ToolCallId, TraceId, UserId,
};
pub use limits::{DollarLimits, LimitOverrides, LimitTooLarge, Limits};
pub use login::{is_email, is_login};
pub use message::{Message, MessageBody, Role, ToolCallRequest, provider_history};
pub use money::{CreditRate, CreditTerms, Multiplier, NanoUsd, credits_for};
pub use org::{RunVisibility, UserKind};
pub use pattern::{ToolPattern, is_server_key};
pub use permission::{OrgRole, Permission, PermissionSet, UnknownName};
pub use persona::{OnOverflow, Persona, PersonaRef};
pub use prompt::{MAX_PROMPT, PromptError, PromptTemplate};
pub use request::{
    Answer, AnswerError, Decision, InputAction, InputRequest, RequestKind, ToolInput, parse_answer,
};
pub use route::{Backoff, DollarPrices, Prices, RateLimits, Route, RouteTimeouts};
pub use rule::RouteRule;
pub use secret::EncryptedSecret;
pub use spec::{RunSpec, SpawnedBy, ToolPin};
pub use status::{InvalidTransition, RunStatus, Transition};
pub use timestamp::{Timestamp, TimestampParseError};
pub use tool::{ToolClass, ToolDefinition, ToolOrigin};
pub use totals::{ModelCall, RunTotals};
pub use url_pattern::{UrlParts, UrlPattern, check_url_patterns, common_url_patterns};
pub use usage::{TokenBuckets, Usage, UsageSource};
