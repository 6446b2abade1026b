use actix_web::HttpResponse;
use runloom_accounts::Caller;
use runloom_domain::ThreadId;
use runloom_engine::CancelError;
use runloom_store::DeleteThread;

use super::not_found;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, ThreadsWrite};
use crate::state::HttpState;

/// How often runs that have been started meanwhile are cancelled before the client is told to
/// leave the thread alone.
const ROUNDS: usize = 50;

/// Deletes a thread: its live and queued runs are cancelled, and it is marked as deleted.
#[utoipa::path(
    delete,
    path = "/v1/threads/{thread_id}",
    tag = "threads",
    params(("thread_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`threads.busy`: others go on starting runs in it.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_thread(call: Call<ThreadsWrite, ThreadId>) -> ApiResult {
    let (state, caller, thread) = (call.state.clone(), call.caller, call.path);
    // One task, so that it goes on when the client leaves.
    call.state
        .run(async move { delete(&state, &caller, thread).await })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Cancels first and deletes then: a crash in between leaves a thread that can be deleted again,
/// never a deleted one whose runs go on.
async fn delete(state: &HttpState, caller: &Caller, thread: ThreadId) -> Result<(), ApiError> {
    let (store, engine) = (state.store(), state.engine());
    for _ in 0..ROUNDS {
        let now = state.now();
        let open = match store
            .delete_thread(caller.org_id, thread, now, caller.by(now))
            .await?
        {
            DeleteThread::Deleted => return Ok(()),
            DeleteThread::NoThread => return Err(not_found()),
            DeleteThread::Open(runs) => runs,
        };
        for run in open {
            match engine.cancel_run(caller.org_id, run, caller.user_id).await {
                // It has ended and been removed in the meantime.
                Ok(()) | Err(CancelError::NoRun) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Err(ApiError::conflict(
        "threads.busy",
        "runs are started in the thread faster than they can be cancelled",
    ))
}
