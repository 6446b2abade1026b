use actix_web::HttpResponse;
use runloom_domain::ThreadId;
use runloom_engine::CancelError;

use super::not_found;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, ThreadsWrite};

/// Deletes a thread: it is marked as deleted, and its live and queued runs are cancelled.
#[utoipa::path(
    delete,
    path = "/v1/threads/{thread_id}",
    tag = "threads",
    params(("thread_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_thread(call: Call<ThreadsWrite, ThreadId>) -> ApiResult {
    let (store, engine, now) = (call.state.store(), call.state.engine(), call.state.now());
    let (caller, thread) = (call.caller, call.path);
    // One task, so that a client that leaves in between can't leave runs behind.
    call.state
        .run(async move {
            let runs = store.delete_thread(caller.org_id, thread, now).await?;
            for run in runs.ok_or_else(not_found)? {
                match engine.cancel_run(caller.org_id, run, caller.user_id).await {
                    // It has ended and been removed in the meantime.
                    Ok(()) | Err(CancelError::NoRun) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok::<(), ApiError>(())
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
