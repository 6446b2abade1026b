use runloom_domain::{OrgId, SessionId, Timestamp};
use runloom_store::{Page, SessionRecord};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, Person};
use crate::page;
use crate::v1::params::PageParams;

/// Where a person is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    #[schema(value_type = Uuid)]
    id: SessionId,
    /// The organisation that it works in.
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    /// Whether this request belongs to it.
    current: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its refresh token was used last.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    /// When it ends, unless it is used before.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Where the caller is signed in, newest first.
#[utoipa::path(
    get,
    path = "/v1/me/sessions",
    tag = "accounts",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<Session>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = 403, description = "`auth.person_needed`: an API key has none.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_sessions(call: Call<Person, (), Page>) -> ApiResult {
    let accounts = call.state.accounts();
    let sessions = accounts.sessions(&call.caller, call.query);
    let page = call.state.read(sessions).await?;
    let current = call.caller.session_id();
    let shown = |session: SessionRecord| Session {
        id: session.session_id,
        org_id: session.org_id,
        current: current == Some(session.session_id),
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
    };
    Ok(page::answer(&call.request, page, shown))
}
