use runloom_store::Page;

use super::OwnOrg;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, SignedIn};
use crate::page;
use crate::v1::params::PageParams;

/// The organisations that the caller belongs to, the youngest first. An API key sees its own.
#[utoipa::path(
    get,
    path = "/v1/orgs",
    tag = "organisations",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<OwnOrg>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_orgs(call: Call<SignedIn, (), Page>) -> ApiResult {
    let accounts = call.state.accounts();
    let page = call
        .state
        .read(accounts.orgs(&call.caller, call.query))
        .await?;
    Ok(page::answer(&call.request, page, OwnOrg::from))
}
