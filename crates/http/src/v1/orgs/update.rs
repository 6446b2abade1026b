use runloom_store::{OrgPatch, Update};
use utoipa::ToSchema;

use super::{NAME, Org, visibility};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, MembersManage};
use crate::precondition::{IfMatch, TRIES, contended, tagged};
use crate::v1::params::IfMatchParams;

/// What to change of the organisation: an absent field stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct OrgPatchBody {
    #[schema(
        example = "Acme",
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: Option<String>,
    /// Whose runs members see who don't manage the organisation: `org` everybody's, `own` their
    /// own.
    #[schema(example = "own", pattern = "^(org|own)$")]
    run_visibility: Option<String>,
}

impl Body for OrgPatch {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            name: fields.optional_text("name", NAME),
            run_visibility: visibility(fields),
        }
    }
}

/// Changes the organisation that the caller works in.
#[utoipa::path(
    patch,
    path = "/v1/org",
    tag = "organisations",
    params(IfMatchParams),
    request_body = Option<OrgPatchBody>,
    responses(
        (status = 200, description = "The organisation as it is now.", body = Org,
            headers(("ETag" = String))),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_org(call: Call<MembersManage, (), (), OrgPatch>) -> ApiResult {
    let if_match = IfMatch::of(&call.request);
    for _ in 0..TRIES {
        let accounts = call.state.accounts();
        let found = call.state.read(accounts.org(&call.caller)).await?;
        if_match.check(found.version)?;
        let (caller, patch) = (call.caller.clone(), call.body.clone());
        let update = async move { accounts.update_org(&caller, found.version, patch).await };
        match call.state.run(update).await? {
            Update::Done(org) => return Ok(tagged(org.version, &Org::from(org))),
            Update::Absent => return Err(ApiError::unauthorized("the credential is not valid")),
            Update::Stale => {}
        }
    }
    Err(contended())
}
