//! Taking a request apart: who asks, path, query, body, each strictly.

mod access;
mod admit;
mod body;
mod call;
mod client_address;
mod escapes;
mod fields;
mod needs;
mod once;
mod path;
mod query;

pub(crate) use access::{
    Access, Anyone, AuditRead, BudgetsManage, CreditsManage, KeysManage, MayEdit, MembersManage,
};
pub(crate) use access::{
    Person, PersonasManage, Probe, ResetsIssue, RoutesManage, RunsRead, RunsWrite, SignedIn,
    ThreadsRead, ThreadsWrite, ToolsManage, UsageRead, bearer, refuse_url_tokens,
};
pub(crate) use admit::{admit, admit_anyone};
pub(crate) use body::{Body, Empty, discard};
pub(crate) use call::Call;
pub(crate) use client_address::{client_address, origin};
pub(crate) use fields::{Fields, Size};
pub(crate) use needs::{Declared, Needs};
pub(crate) use once::{Answer, OnceKey};
pub(crate) use path::{FromPath, PathFields, PersonaKey, RouteKey, ServerKey, VersionName};
pub(crate) use query::{FromQuery, QueryFields};
