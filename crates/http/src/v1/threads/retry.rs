use runloom_domain::ThreadId;
use runloom_store::Rewind;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MayEdit};
use crate::v1::params::OnceParams;
use crate::v1::runs::CreatedRun;
use crate::v1::runs::create::{Again, AgainBody, start};

/// Runs the thread's last user message again; what followed it is hidden.
#[utoipa::path(
    post,
    path = "/v1/threads/{thread_id}:retry",
    tag = "threads",
    params(("thread_id" = Uuid, Path), OnceParams),
    request_body(content = Option<AgainBody>),
    responses(
        (status = 201, description = "The new run has begun.", body = CreatedRun),
        (status = 404, description = "`threads.not_found`, `messages.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`runs.thread_busy`", body = ErrorEnvelope),
        (status = 422, description = "`personas.not_found`, `personas.variable_missing`, \
            `personas.prompt_too_long`, \
            `routes.not_found`, `routes.unavailable`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn retry_thread(call: Call<MayEdit, ThreadId, (), Again>) -> ApiResult {
    let wish = call.body.0.after(Rewind {
        message_id: None,
        content: None,
    });
    start(&call, call.path, wish).await
}
