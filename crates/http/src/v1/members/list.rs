use runloom_store::Page;

use super::ShownMember;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MembersManage};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's members, who came last first.
#[utoipa::path(
    get,
    path = "/v1/members",
    tag = "organisations",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<ShownMember>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_members(call: Call<MembersManage, (), Page>) -> ApiResult {
    let accounts = call.state.accounts();
    let page = call
        .state
        .read(accounts.members(&call.caller, call.query))
        .await?;
    Ok(page::answer(&call.request, page, ShownMember::from))
}
