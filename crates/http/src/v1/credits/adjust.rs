use runloom_store::CreditKind;
use utoipa::ToSchema;

use super::{Entry, MAX_CREDITS, NOTE, add, credits};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, CreditsManage, Fields};
use crate::v1::params::OnceParams;

/// What is to be put right.
#[derive(ToSchema)]
pub(crate) struct AdjustBody {
    /// Added when above zero, taken away when below; never zero.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64)]
    credits: i64,
    #[schema(max_length = 500)]
    note: Option<String>,
}

impl Body for AdjustBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            credits: credits(fields, -MAX_CREDITS),
            note: fields.optional_text("note", NOTE),
        }
    }
}

/// Adds or takes away credits, to put something right. The balance may fall below zero. Only for
/// owners, and only where the deployment leaves it to them.
#[utoipa::path(
    post,
    path = "/v1/credits:adjust",
    tag = "money",
    params(OnceParams),
    request_body = AdjustBody,
    responses(
        (status = 201, description = "Done.", body = Entry),
        (status = 403, description = "`credits.not_self_service`, `auth.forbidden`",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn adjust_credits(mut call: Call<CreditsManage, (), (), AdjustBody>) -> ApiResult {
    let note = call.body.note.take();
    add(&call, CreditKind::Adjust, call.body.credits, note).await
}
