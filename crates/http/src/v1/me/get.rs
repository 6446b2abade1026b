use actix_web::HttpResponse;
use runloom_domain::{OrgId, Permission, SessionId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, SignedIn};

/// The caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    #[schema(value_type = Uuid)]
    user_id: UserId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    login: String,
    /// Null for service accounts.
    #[schema(required)]
    email: Option<String>,
    /// `owner`, `admin`, `member` or `viewer`
    role: &'static str,
    /// What this credential may do.
    permissions: Vec<&'static str>,
    /// The session that this credential belongs to; null for an API key.
    #[schema(required, value_type = Option<Uuid>)]
    session_id: Option<SessionId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Who the caller is, and what this credential may do.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "accounts",
    responses(
        (status = 200, description = "The caller.", body = Me),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_me(call: Call<SignedIn>) -> ApiResult {
    let accounts = call.state.accounts();
    let me = call.state.read(accounts.me(&call.caller)).await?;
    Ok(HttpResponse::Ok().json(Me::from(me)))
}

impl From<runloom_accounts::Me> for Me {
    fn from(me: runloom_accounts::Me) -> Self {
        Self {
            user_id: me.user_id,
            org_id: me.org_id,
            login: me.login,
            email: me.email,
            role: me.role.as_str(),
            permissions: me.rights.iter().map(Permission::as_str).collect(),
            session_id: me.session_id,
            created_at: me.created_at,
        }
    }
}
