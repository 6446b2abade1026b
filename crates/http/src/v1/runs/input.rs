use actix_web::HttpResponse;
use runloom_domain::{RequestId, RunId};
use runloom_engine::{GiveInput, InputError};
use serde_json::json;
use utoipa::ToSchema;

use super::not_found;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, RunsWrite, Size};
use crate::v1::Done;

/// The longest answer, in bytes of UTF-8.
const MAX_CONTENT: usize = 32 * 1024;

/// An answer to a waiting run.
#[derive(ToSchema)]
pub(crate) struct InputBody {
    /// For an approval `approve`, `reject` or JSON with a `decision`; for a question the text,
    /// or JSON that fits its schema if it has one. At most 32,768 bytes of UTF-8.
    content: String,
    /// Which request it answers; needed when several are open.
    #[schema(value_type = Option<Uuid>)]
    request_id: Option<RequestId>,
}

impl Body for InputBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            content: fields.text("content", Size::Bytes(1, MAX_CONTENT)),
            request_id: fields.parsed("request_id"),
        }
    }
}

/// Answers a waiting run. The answer is in the log when this returns.
#[utoipa::path(
    post,
    path = "/v1/runs/{run_id}/input",
    tag = "runs",
    params(("run_id" = Uuid, Path)),
    request_body = InputBody,
    responses(
        (status = 200, description = "Taken.", body = Done),
        (status = 404, description = "`runs.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`runs.not_waiting`, `runs.not_active`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, `runs.request_ambiguous`",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn give_input(call: Call<RunsWrite, RunId, (), InputBody>) -> ApiResult {
    let input = GiveInput {
        org_id: call.caller.org_id,
        user_id: call.caller.user_id,
        run_id: call.path,
        request_id: call.body.request_id,
        content: call.body.content,
    };
    let engine = call.state.engine();
    call.state
        .run(async move { engine.give_input(input).await })
        .await?;
    Ok(HttpResponse::Ok().json(Done::OK))
}

impl From<InputError> for ApiError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::NoRun => not_found(),
            InputError::NotWaiting => Self::conflict(
                "runs.not_waiting",
                "the run is not waiting for input, or not for this",
            ),
            InputError::NotActive => {
                Self::conflict("runs.not_active", "the run has ended or is being cancelled")
            }
            InputError::Ambiguous(open) => Self::unprocessable(
                "runs.request_ambiguous",
                "several requests are open: name one by request_id",
            )
            .details(json!({ "request_ids": open })),
            InputError::Answer(error) => Self::invalid_field("content", error.to_string()),
            InputError::Unfit(misfit) => Self::invalid_field("content", misfit),
            InputError::Store(error) => error.into(),
        }
    }
}
