use actix_web::HttpResponse;
use runloom_domain::{InputRequest, OrgId, RunId, RunStatus, ThreadId, Timestamp, TraceId, UserId};
use runloom_store::RunRecord;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Status, duration_ms, not_found, sight};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, FromQuery, QueryFields, RunsRead};

/// A run.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownRun {
    #[schema(value_type = Uuid)]
    run_id: RunId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    #[schema(value_type = Uuid)]
    thread_id: ThreadId,
    #[schema(value_type = Uuid)]
    created_by_user_id: UserId,
    #[schema(value_type = Status)]
    status: RunStatus,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    trace_id: TraceId,
    /// The run that spawned this one, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    parent_run_id: Option<RunId>,
    /// Only with `include=metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    /// Only with `include=requests`: what the run is asking now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    requests: Option<Vec<InputRequest>>,
    /// Only with `include=totals`.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
    /// Only with `include=error`; null unless the run failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RunError>)]
    error: Option<Value>,
}

/// What a run has used.
#[derive(Serialize, ToSchema)]
pub(crate) struct Totals {
    total_input_tokens: u64,
    total_output_tokens: u64,
    total_cost_usd: f64,
    #[schema(required)]
    duration_ms: Option<u64>,
    #[schema(required)]
    cache_hit_rate: Option<f64>,
    #[schema(required)]
    credits_used: Option<i64>,
}

/// Why a run failed.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunError {
    #[schema(example = "provider.unauthorized")]
    error_class: String,
    message: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Metadata,
    Requests,
    Totals,
    Error,
}

/// What to show of a run besides the usual.
pub(crate) struct Include(Vec<Part>);

impl FromQuery for Include {
    fn from_query(query: &mut QueryFields) -> Self {
        Self(query.words(
            "include",
            &[
                ("metadata", Part::Metadata),
                ("requests", Part::Requests),
                ("totals", Part::Totals),
                ("error", Part::Error),
            ],
        ))
    }
}

/// A run.
#[utoipa::path(
    get,
    path = "/v1/runs/{run_id}",
    tag = "runs",
    params(
        ("run_id" = Uuid, Path),
        ("include" = Option<String>, Query, nullable = false,
            pattern = "^(metadata|requests|totals|error)(,(metadata|requests|totals|error))*$",
            description = "Any of `metadata`, `requests`, `totals`, `error`, with commas."),
    ),
    responses(
        (status = 200, description = "The run.", body = ShownRun),
        (status = 404, description = "`runs.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_run(call: Call<RunsRead, RunId, Include>) -> ApiResult {
    sight::visible(&call.state, &call.caller, call.path).await?;
    let (store, engine, org) = (call.state.store(), call.state.engine(), call.caller.org_id);
    let wants = |part| call.query.0.contains(&part);
    let (record, requests) = call
        .state
        .read(async {
            let record = store.run(org, call.path).await?.ok_or_else(not_found)?;
            let requests = if wants(Part::Requests) {
                Some(engine.open_requests(org, call.path).await?)
            } else {
                None
            };
            Ok::<_, ApiError>((record, requests))
        })
        .await?;
    let metadata = wants(Part::Metadata)
        .then(|| metadata(&record))
        .transpose()?;
    let run = ShownRun {
        run_id: record.run_id,
        org_id: record.org_id,
        thread_id: record.thread_id,
        created_by_user_id: record.created_by,
        status: record.status,
        created_at: record.created_at,
        trace_id: record.trace_id,
        parent_run_id: record.parent_run_id,
        metadata,
        requests,
        totals: wants(Part::Totals).then(|| totals(&record)),
        error: wants(Part::Error).then(|| json!(failure(record))),
    };
    Ok(HttpResponse::Ok().json(run))
}

fn metadata(run: &RunRecord) -> Result<Box<RawValue>, ApiError> {
    let text = run.metadata.clone().unwrap_or_else(|| "null".to_owned());
    RawValue::from_string(text).map_err(ApiError::internal)
}

fn totals(run: &RunRecord) -> Totals {
    Totals {
        total_input_tokens: run.totals.tokens.input_tokens(),
        total_output_tokens: run.totals.tokens.output_tokens,
        total_cost_usd: run.totals.cost.as_dollars(),
        duration_ms: duration_ms(run),
        cache_hit_rate: run.totals.tokens.cache_hit_rate(),
        credits_used: run.credits_used,
    }
}

fn failure(run: RunRecord) -> Option<RunError> {
    Some(RunError {
        error_class: run.error_class?,
        message: run.error_message.unwrap_or_default(),
    })
}
