use actix_web::HttpResponse;
use runloom_domain::UserId;

use super::ShownService;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MembersManage};

/// A service account of the organisation.
#[utoipa::path(
    get,
    path = "/v1/service-accounts/{user_id}",
    tag = "organisations",
    params(("user_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The account.", body = ShownService),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = 404, description = "`service_accounts.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_service_account(call: Call<MembersManage, UserId>) -> ApiResult {
    let accounts = call.state.accounts();
    let found = call
        .state
        .read(accounts.service_account(&call.caller, call.path));
    Ok(HttpResponse::Ok().json(ShownService::from(found.await?)))
}
