//! What the record of each change says. The adapters write these in the change's transaction, so
//! that all say the same.
//!
//! Nothing here may be a secret. Addresses of servers are left out, too: people put keys in them.

use runloom_domain::{
    ApiKeyId, BudgetId, CredentialId, HttpToolId, InvitationId, McpServerId, NanoUsd, OrgId,
    OrgRole, RouteId, SessionId, ThreadId, UserId,
};

use super::{Action, Entry};
use crate::{
    BudgetPatch, CreditEntry, InvitationRecord, MemberRecord, NewAccount, NewApiKey, NewBudget,
    NewHttpTool, NewMcpServer, NewOrg, NewService, OrgRecord, PersonaRecord, Quota, Rename,
    SessionEnd,
};

/// A person has registered as a member of an organisation, their own or one that invited them.
pub fn registered(new: &NewAccount, org: OrgId, role: OrgRole) -> Entry {
    let key = new.api_key.as_ref().map(|key| key.api_key_id.to_string());
    let session = new.session.as_ref();
    let session = session.map(|session| session.session_id.to_string());
    Entry::new(Action::AccountRegistered, org, &new.user_id)
        .with("login", new.login.as_str())
        .with("role", role.as_str())
        .maybe("api_key_id", key)
        .maybe("session_id", session)
}

/// A person has other names.
pub fn renamed(org: OrgId, rename: &Rename) -> Entry {
    Entry::new(Action::AccountRenamed, org, &rename.user_id)
        .maybe("login", rename.login.as_deref())
        .maybe("email", rename.email.as_deref())
}

/// Something was done to a person, of which there is no more to say.
pub fn person(action: Action, org: OrgId, user: UserId) -> Entry {
    Entry::new(action, org, &user)
}

/// A session has begun, or goes on in another organisation.
pub fn session(action: Action, org: OrgId, user: UserId, session: SessionId) -> Entry {
    Entry::new(action, org, &session).with("user_id", user.to_string())
}

/// A session has ended.
pub fn session_ended(org: OrgId, user: UserId, id: SessionId, why: SessionEnd) -> Entry {
    let action = match why {
        SessionEnd::Reused => Action::SessionReused,
        _ => Action::SessionEnded,
    };
    session(action, org, user, id).with("why", why.as_str())
}

/// An API key was made.
pub fn key_created(new: &NewApiKey) -> Entry {
    Entry::new(Action::ApiKeyCreated, new.org_id, &new.api_key_id)
        .with("name", new.name.as_str())
        .with("user_id", new.user_id.to_string())
        .with("scopes", new.scopes.clone())
        .maybe("expires_at", new.expires_at.map(|at| at.to_string()))
}

/// An API key was revoked.
pub fn key_revoked(org: OrgId, key: ApiKeyId) -> Entry {
    Entry::new(Action::ApiKeyRevoked, org, &key)
}

/// An organisation was made.
pub fn org_created(new: &NewOrg) -> Entry {
    Entry::new(Action::OrgCreated, new.org_id, &new.org_id).with("name", new.name.as_str())
}

/// An organisation is now so.
pub fn org_changed(org: &OrgRecord) -> Entry {
    Entry::new(Action::OrgChanged, org.org_id, &org.org_id)
        .with("name", org.name.as_str())
        .with("run_visibility", org.run_visibility.as_str())
        .with("version", org.version)
}

/// For how many days events are kept.
pub fn retention_changed(org: OrgId, days: Option<u32>) -> Entry {
    Entry::new(Action::RetentionChanged, org, &org).with("days", days)
}

/// What an organisation may keep.
pub fn quota_changed(org: OrgId, quota: Quota) -> Entry {
    Entry::new(Action::QuotaChanged, org, &org)
        .with("threads", quota.threads)
        .with("bytes", quota.bytes)
}

/// Whether an organisation needs credits.
pub fn metering_changed(org: OrgId, metered: Option<bool>) -> Entry {
    Entry::new(Action::MeteringChanged, org, &org).with("metered", metered)
}

/// A service account was made.
pub fn service_created(new: &NewService) -> Entry {
    Entry::new(Action::ServiceCreated, new.org_id, &new.user_id)
        .with("name", new.name.as_str())
        .with("role", new.role.as_str())
}

/// A member is now so.
pub fn member_changed(org: OrgId, member: &MemberRecord, was: OrgRole) -> Entry {
    Entry::new(Action::MemberChanged, org, &member.user_id)
        .with("login", member.login.as_str())
        .with("role", member.role.as_str())
        .with("role_before", was.as_str())
}

/// Somebody was made an owner, who may have been no member before.
pub fn made_owner(org: OrgId, user: UserId, was: Option<OrgRole>) -> Entry {
    let action = match was {
        Some(_) => Action::MemberChanged,
        None => Action::MemberJoined,
    };
    Entry::new(action, org, &user)
        .with("role", OrgRole::Owner.as_str())
        .maybe("role_before", was.map(OrgRole::as_str))
}

/// A member is none any more.
pub fn member_removed(org: OrgId, user: UserId, was: OrgRole) -> Entry {
    Entry::new(Action::MemberRemoved, org, &user).with("role", was.as_str())
}

/// Somebody was invited.
pub fn invited(new: &InvitationRecord) -> Entry {
    Entry::new(Action::InvitationCreated, new.org_id, &new.invitation_id)
        .with("email", new.email.as_str())
        .with("role", new.role.as_str())
}

/// An invitation was taken back.
pub fn invitation_withdrawn(org: OrgId, invitation: InvitationId) -> Entry {
    Entry::new(Action::InvitationWithdrawn, org, &invitation)
}

/// A person has accepted an invitation.
pub fn joined(invitation: &InvitationRecord, user: UserId) -> Entry {
    Entry::new(Action::MemberJoined, invitation.org_id, &user)
        .with("invitation_id", invitation.invitation_id.to_string())
        .with("role", invitation.role.as_str())
}

/// Something was done to a credential that is called so.
pub fn credential(action: Action, org: OrgId, id: CredentialId, name: &str) -> Entry {
    Entry::new(action, org, &id).with("name", name)
}

/// Something was done to a route to this model.
pub fn route(action: Action, org: OrgId, id: RouteId, model: &str) -> Entry {
    Entry::new(action, org, &id).with("model", model)
}

/// A version of a persona was written. Personas are known by their keys.
pub fn persona_written(record: &PersonaRecord) -> Entry {
    let id = &record.persona.id;
    Entry::new(Action::PersonaWritten, record.org_id, &id.key)
        .with("version", id.version.as_str())
        .with("is_default", record.is_default)
}

/// A persona was deleted.
pub fn persona_deleted(org: OrgId, key: &str) -> Entry {
    Entry::new(Action::PersonaDeleted, org, &key)
}

/// An MCP server was added.
pub fn mcp_server_created(new: &NewMcpServer) -> Entry {
    mcp_server(
        Action::McpServerCreated,
        new.org_id,
        new.server_id,
        &new.key,
    )
}

/// Something was done to the MCP server with this key.
pub fn mcp_server(action: Action, org: OrgId, id: McpServerId, key: &str) -> Entry {
    Entry::new(action, org, &id).with("key", key)
}

/// Tools of an MCP server were approved, or all of them.
pub fn tools_approved(org: OrgId, id: McpServerId, key: &str, names: Option<&[String]>) -> Entry {
    let tools = names.map(<[String]>::to_vec);
    mcp_server(Action::McpToolsApproved, org, id, key).maybe("tools", tools)
}

/// An HTTP tool was made.
pub fn http_tool_created(new: &NewHttpTool) -> Entry {
    let name = &new.settings.definition.name;
    http_tool(Action::HttpToolCreated, new.org_id, new.tool_id, name)
}

/// Something was done to the HTTP tool of this name.
pub fn http_tool(action: Action, org: OrgId, id: HttpToolId, name: &str) -> Entry {
    Entry::new(action, org, &id).with("name", name)
}

/// A budget was made.
pub fn budget_created(new: &NewBudget) -> Entry {
    Entry::new(Action::BudgetCreated, new.org_id, &new.budget_id)
        .with("scope", new.scope.as_str())
        .maybe("scope_id", new.scope_id.as_deref())
        .with("period", new.period.as_str())
        .with("max_cost_nanos", new.limits.max_cost.map(NanoUsd::as_nanos))
        .with("max_tokens", new.limits.max_tokens)
}

/// How much a budget lets pass was changed.
pub fn budget_changed(org: OrgId, budget: BudgetId, patch: BudgetPatch) -> Entry {
    let cost = patch.max_cost.map(|max| max.map(NanoUsd::as_nanos));
    Entry::new(Action::BudgetChanged, org, &budget)
        .maybe("max_cost_nanos", cost)
        .maybe("max_tokens", patch.max_tokens)
}

/// A budget was deleted.
pub fn budget_deleted(org: OrgId, budget: BudgetId) -> Entry {
    Entry::new(Action::BudgetDeleted, org, &budget)
}

/// Credits were added, or taken away.
pub fn credits_added(org: OrgId, entry: &CreditEntry) -> Entry {
    Entry::new(Action::CreditsAdded, org, &entry.entry_id)
        .with("kind", entry.kind.as_str())
        .with("credits", entry.credits)
}

/// A thread was deleted.
pub fn thread_deleted(org: OrgId, thread: ThreadId) -> Entry {
    Entry::new(Action::ThreadDeleted, org, &thread)
}
