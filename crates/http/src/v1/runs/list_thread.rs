use runloom_domain::{RunId, RunStatus, ThreadId, Timestamp};
use runloom_store::{Page, RunFilter, RunRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Status, sight};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, RunsRead};
use crate::page;
use crate::v1::params::PageParams;
use crate::v1::threads;

/// A run in its thread's list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ThreadRun {
    #[schema(value_type = Uuid)]
    run_id: RunId,
    #[schema(value_type = Status)]
    status: RunStatus,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<RunRecord> for ThreadRun {
    fn from(run: RunRecord) -> Self {
        Self {
            run_id: run.run_id,
            status: run.status,
            created_at: run.created_at,
        }
    }
}

/// A thread's runs, newest first.
#[utoipa::path(
    get,
    path = "/v1/threads/{thread_id}/runs",
    tag = "runs",
    params(("thread_id" = Uuid, Path), PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<ThreadRun>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_thread_runs(call: Call<RunsRead, ThreadId, Page>) -> ApiResult {
    let (store, org) = (call.state.store(), call.caller.org_id);
    let filter = RunFilter {
        thread_id: Some(call.path),
        created_by: sight::only_of(&call.state, &call.caller).await?,
        ..RunFilter::default()
    };
    let page = call
        .state
        .read(async {
            let thread = store.thread(org, call.path).await?;
            thread.ok_or_else(threads::not_found)?;
            Ok::<_, ApiError>(store.runs(org, filter, call.query).await?)
        })
        .await?;
    Ok(page::answer(&call.request, page, ThreadRun::from))
}
