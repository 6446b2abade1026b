//! Runs: executions of an agent in a thread.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod input;
pub(crate) mod list;
pub(crate) mod list_thread;
pub(crate) mod sight;
pub(crate) mod ticket;
pub(crate) mod tool_result;

use runloom_domain::{OrgId, RunId, RunStatus, TraceId};
use runloom_store::{RunRecord, Store};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;

/// A run that has just been created.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedRun {
    #[schema(value_type = Uuid)]
    pub(crate) run_id: RunId,
    /// 32 hexadecimal digits.
    #[schema(value_type = String)]
    pub(crate) trace_id: TraceId,
}

/// Where a run stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) enum Status {
    Queued,
    Running,
    WaitingForInput,
    Cancelling,
    Completed,
    Failed,
    Cancelled,
}

/// What an unknown run and one of another organisation are answered with.
pub(crate) fn not_found() -> ApiError {
    ApiError::not_found("runs.not_found", "there is no such run")
}

/// What asking for events is answered with that are not kept any more.
pub(crate) fn events_expired() -> ApiError {
    ApiError::gone(
        "runs.events_expired",
        "the run's events are not kept any more",
    )
}

/// Refuses a run that isn't there, and one whose events can't be read any more.
pub(crate) async fn readable(store: &dyn Store, org: OrgId, run: RunId) -> Result<(), ApiError> {
    let head = store.head(org, run).await?.ok_or_else(not_found)?;
    if head.events_expired {
        return Err(events_expired());
    }
    Ok(())
}

/// From creation to the end; unknown while there is none.
fn duration_ms(run: &RunRecord) -> Option<u64> {
    let ended_at = run.ended_at?;
    u64::try_from(ended_at.since(run.created_at).as_millis()).ok()
}

fn ended_as(run: &RunRecord, status: RunStatus) -> Option<runloom_domain::Timestamp> {
    run.ended_at.filter(|_| run.status == status)
}
