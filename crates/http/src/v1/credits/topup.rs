use runloom_store::CreditKind;
use utoipa::ToSchema;

use super::{Entry, NOTE, add, credits};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, CreditsManage, Fields};
use crate::v1::params::OnceParams;

/// Credits to be added.
#[derive(ToSchema)]
pub(crate) struct TopUpBody {
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    credits: i64,
    #[schema(max_length = 500)]
    note: Option<String>,
}

impl Body for TopUpBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            credits: credits(fields, 1),
            note: fields.optional_text("note", NOTE),
        }
    }
}

/// Adds credits. Only for owners, and only where the deployment leaves it to them.
#[utoipa::path(
    post,
    path = "/v1/credits:topup",
    tag = "money",
    params(OnceParams),
    request_body = TopUpBody,
    responses(
        (status = 201, description = "Added.", body = Entry),
        (status = 403, description = "`credits.not_self_service`, `auth.forbidden`",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn top_up_credits(mut call: Call<CreditsManage, (), (), TopUpBody>) -> ApiResult {
    let note = call.body.note.take();
    add(&call, CreditKind::TopUp, call.body.credits, note).await
}
