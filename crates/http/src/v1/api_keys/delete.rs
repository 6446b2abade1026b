use actix_web::HttpResponse;
use runloom_domain::ApiKeyId;

use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, KeysManage};

/// Revokes an API key. It stops working within 2 s, and streams opened with it within 60 s.
#[utoipa::path(
    delete,
    path = "/v1/api-keys/{api_key_id}",
    tag = "accounts",
    params(("api_key_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Revoked."),
        (status = 404, description = "`api_keys.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_api_key(call: Call<KeysManage, ApiKeyId>) -> ApiResult {
    let (accounts, caller, key) = (call.state.accounts(), call.caller, call.path);
    let revoked = call
        .state
        .run(async move { accounts.revoke_api_key(&caller, key).await })
        .await?;
    if revoked {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::not_found(
            "api_keys.not_found",
            "there is no such API key",
        ))
    }
}
