use actix_web::HttpResponse;
use runloom_domain::RunId;
use runloom_engine::CancelError;

use super::{not_found, sight};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, Empty, RunsWrite};
use crate::v1::Done;

/// Asks for a run's end. On a run that has ended nothing happens, and that is no error.
#[utoipa::path(
    post,
    path = "/v1/runs/{run_id}:cancel",
    tag = "runs",
    params(("run_id" = Uuid, Path)),
    responses(
        (status = 200, description = "Asked for.", body = Done),
        (status = 404, description = "`runs.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn cancel_run(call: Call<RunsWrite, RunId, (), Empty>) -> ApiResult {
    sight::visible(&call.state, &call.caller, call.path).await?;
    let (engine, caller, run) = (call.state.engine(), call.caller, call.path);
    call.state
        .run(async move { engine.cancel_run(caller.org_id, run, caller.user_id).await })
        .await?;
    Ok(HttpResponse::Ok().json(Done::OK))
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NoRun => not_found(),
            CancelError::Store(error) => error.into(),
        }
    }
}
