use runloom_domain::{OrgId, RunId, RunStatus, ThreadId, Timestamp, UserId};
use runloom_store::{Page, RunFilter, RunRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Status, duration_ms, ended_as, sight};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, FromQuery, QueryFields, RunsRead};
use crate::page;
use crate::v1::params::PageParams;

/// A run in the organisation's list. Every field is always there; unknown is null.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedRun {
    #[schema(value_type = Uuid)]
    run_id: RunId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    #[schema(value_type = Uuid)]
    thread_id: ThreadId,
    #[schema(value_type = Status)]
    status: RunStatus,
    #[schema(required)]
    model: Option<String>,
    /// `key@version`
    #[schema(required)]
    persona_id: Option<String>,
    /// Uncached, read from cache and written to cache.
    #[schema(required)]
    total_input_tokens: Option<u64>,
    #[schema(required)]
    total_output_tokens: Option<u64>,
    #[schema(required)]
    total_cost_usd: Option<f64>,
    /// From creation to the end.
    #[schema(required)]
    duration_ms: Option<u64>,
    /// Cache read over all input.
    #[schema(required)]
    cache_hit_rate: Option<f64>,
    #[schema(required)]
    credits_used: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    failed_at: Option<Timestamp>,
    #[schema(required, value_type = Option<Uuid>)]
    created_by_user_id: Option<UserId>,
    #[schema(required)]
    created_by_user_name: Option<String>,
    #[schema(required)]
    created_by_email: Option<String>,
}

impl From<RunRecord> for ListedRun {
    fn from(run: RunRecord) -> Self {
        Self {
            run_id: run.run_id,
            org_id: run.org_id,
            thread_id: run.thread_id,
            status: run.status,
            total_input_tokens: Some(run.totals.tokens.input_tokens()),
            total_output_tokens: Some(run.totals.tokens.output_tokens),
            total_cost_usd: Some(run.totals.cost.as_dollars()),
            duration_ms: duration_ms(&run),
            cache_hit_rate: run.totals.tokens.cache_hit_rate(),
            credits_used: run.credits_used,
            created_at: run.created_at,
            completed_at: ended_as(&run, RunStatus::Completed),
            failed_at: ended_as(&run, RunStatus::Failed),
            created_by_user_id: Some(run.created_by),
            model: Some(run.model),
            persona_id: Some(run.persona_id),
            created_by_user_name: run.created_by_name,
            created_by_email: run.created_by_email,
        }
    }
}

/// Which runs, and which page of them.
pub(crate) struct RunsQuery {
    page: Page,
    statuses: Vec<RunStatus>,
    parent_run_id: Option<RunId>,
}

impl FromQuery for RunsQuery {
    fn from_query(query: &mut QueryFields) -> Self {
        let words = RunStatus::ALL.map(|status| (status.as_str(), status));
        Self {
            page: Page::from_query(query),
            statuses: query.words("status", &words),
            parent_run_id: query.read("parent_run_id", |text| {
                text.parse().map_err(|_| "must be a UUID".to_owned())
            }),
        }
    }
}

/// The organisation's runs that no other run spawned, newest first; or those that one run
/// spawned.
#[utoipa::path(
    get,
    path = "/v1/runs",
    tag = "runs",
    params(
        PageParams,
        ("status" = Option<String>, Query, nullable = false,
            pattern = "^(queued|running|waiting_for_input|cancelling|completed|failed|cancelled)(,(queued|running|waiting_for_input|cancelling|completed|failed|cancelled))*$",
            description = "One status, or several with commas."),
        ("parent_run_id" = Option<Uuid>, Query, nullable = false,
            description = "Only runs that this one spawned. Absent: only runs that none did."),
    ),
    responses(
        (status = 200, description = "A page.", body = Vec<ListedRun>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_runs(call: Call<RunsRead, (), RunsQuery>) -> ApiResult {
    let filter = RunFilter {
        statuses: call.query.statuses,
        parent_run_id: call.query.parent_run_id,
        created_by: sight::only_of(&call.state, &call.caller).await?,
        ..RunFilter::default()
    };
    let store = call.state.store();
    let page = call
        .state
        .read(store.runs(call.caller.org_id, filter, call.query.page))
        .await?;
    Ok(page::answer(&call.request, page, ListedRun::from))
}
