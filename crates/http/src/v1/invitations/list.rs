use runloom_store::Page;

use super::ShownInvitation;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MembersManage};
use crate::page;
use crate::v1::params::PageParams;

/// The invitations that nobody has accepted, newest first; expired ones too.
#[utoipa::path(
    get,
    path = "/v1/invitations",
    tag = "organisations",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<ShownInvitation>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_invitations(call: Call<MembersManage, (), Page>) -> ApiResult {
    let accounts = call.state.accounts();
    let page = call
        .state
        .read(accounts.invitations(&call.caller, call.query))
        .await?;
    Ok(page::answer(&call.request, page, ShownInvitation::from))
}
