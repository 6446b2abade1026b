//! What Runloom needs of a database, as ports; an in-memory adapter; and the contract suite
//! that every adapter passes.
//!
//! The crate knows no SQL. Its methods are few, coarse and atomic: each is one transaction,
//! and a transaction changes one run (a batch of [`RunStore::append`] is many single changes).
//!
//! Rules that all methods share:
//!
//! * Absence is an outcome, not an error: `Option`, or a variant of the outcome enum. A row of
//!   another organisation is absent.
//! * Every call can fail with [`StoreError`]; an outcome that callers act on is in the result
//!   type instead.
//! * Ids and times of day come in as values. Leases and due times don't: the adapter's own
//!   clock decides (on PostgreSQL the database's), so they are given as durations.
//! * Writes take owned data and run to their end even when the caller drops the future.
//!   Dropping a read is harmless.
//!
//! To add a method: the port, a case in the contract suite, the adapters, in this order.

mod account;
mod audit;
mod config;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod data_keys;
mod error;
mod housekeeping;
mod idempotency;
mod key_rotation;
pub mod memory;
mod money;
mod org;
mod page;
mod quota;
mod run;
mod session;
pub mod signals;
mod thread;
mod tools;

pub use account::{
    AccountStore, ApiKeyRecord, CreateAccount, LoginRecord, NewAccount, NewApiKey, UserRecord,
};
pub use audit::{
    Action, Actor, AuditFilter, AuditRecord, AuditStore, Audited, By, CHAIN_START, Chain,
    ChainLink, Checked, Entry, Finding, Origin, Seal, SealedRecord, UnknownAction, Unsealed,
    entries,
};
pub use config::{
    ConfigStore, Configured, CredentialRecord, CredentialSettings, DeleteConfig, DeletePersona,
    MAX_ROUTES, NewCredential, NewPersona, NewRoute, PersonaAnswer, PersonaHead, PersonaRecord,
    PersonaTarget, PersonaVersion, RouteRecord, RouteRefusal, RouteSettings, StoredKey, Update,
    WritePersona, next_version, refused_fallback,
};
pub use data_keys::{DataKey, DataKeys};
pub use error::StoreError;
pub use housekeeping::{Deleted, Expired, Housekeeping, Tended};
pub use idempotency::{Idempotency, KeyConflict, Once, StoredAnswer};
pub use key_rotation::{KeyRotation, SecretColumn, StoredSecret};
pub use money::{
    Balance, BudgetLimits, BudgetPatch, BudgetRecord, CreateBudget, CreditEntry, CreditKind,
    MoneyStore, NewBudget, Spending, UsageGroup, UsageQuery, UsageRow,
};
pub use org::{
    ChangeMember, InvitationRecord, Join, JoinedOrg, MemberPatch, MemberRecord, NewOrg, NewService,
    OrgPatch, OrgRecord, OrgStore, PresentedInvitation,
};
pub use page::{Page, PageKey, Paged};
pub use quota::{Measured, Measuring, Quota, QuotaStore, Standing};
pub use run::{
    Allowance, Appended, Census, Change, ClaimedRun, Content, CreateRun, CreatedRun, FirstEvent,
    Held, HistoryPart, Intended, Intent, LiveLimits, LiveScope, NewMessage, NewRun, OnBusy, Orphan,
    OwnedRun, ParentRun, Projection, Remaining, Rewind, RunEnd, RunFilter, RunHead, RunRecord,
    RunStore, Tail, ToolOutput, Wake, take_turns,
};
pub use session::{
    BeginSession, ChangePassword, CreateReset, NewReset, NewSession, NoOrg, OngoingSession,
    RefreshSession, Refreshed, Rename, Renamed, SessionEnd, SessionRecord, SessionStore, SignIn,
    SignedInUser,
};
pub use signals::{Hint, Signals};
pub use thread::{DeleteThread, NewThread, ThreadPatch, ThreadRecord, ThreadStore, UserMessage};
pub use tools::{
    ConfiguredTools, Discovery, DiscoveryError, FoundTool, HttpMethod, HttpToolRecord,
    HttpToolSettings, MAX_HTTP_TOOLS, MAX_MCP_SERVERS, MAX_MCP_TOOLS, McpAuth, McpListing,
    McpServerRecord, McpServerSettings, McpToolRecord, McpToolState, NewHttpTool, NewMcpServer,
    SecretHeader, ToolRefusal, ToolStore, ToolVersion, UnknownTool, WantedDiscovery, approve,
    discovered, http_tool_texts, lists_the_same, mcp_server_texts,
};

/// Everything a server needs of its database behind one handle.
pub trait Store:
    RunStore
    + ThreadStore
    + AccountStore
    + OrgStore
    + SessionStore
    + ConfigStore
    + ToolStore
    + DataKeys
    + KeyRotation
    + MoneyStore
    + AuditStore
    + Housekeeping
    + QuotaStore
{
}

impl<
    T: RunStore
        + ThreadStore
        + AccountStore
        + OrgStore
        + SessionStore
        + ConfigStore
        + ToolStore
        + DataKeys
        + KeyRotation
        + MoneyStore
        + AuditStore
        + Housekeeping
        + QuotaStore,
> Store for T
{
}
