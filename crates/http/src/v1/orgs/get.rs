use super::Org;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, SignedIn};
use crate::precondition::tagged;

/// The organisation that the caller works in.
#[utoipa::path(
    get,
    path = "/v1/org",
    tag = "organisations",
    responses(
        (status = 200, description = "The organisation.", body = Org, headers(("ETag" = String))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_org(call: Call<SignedIn>) -> ApiResult {
    let accounts = call.state.accounts();
    let org = call.state.read(accounts.org(&call.caller)).await?;
    Ok(tagged(org.version, &Org::from(org)))
}
