use std::sync::Arc;

use actix_web::HttpResponse;
use runloom_domain::{EventBody, OrgId, RunId, ToolCallId};
use runloom_store::Store;
use serde::Serialize;
use utoipa::ToSchema;

use super::{readable, sight};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, RunsRead};

/// Events that are read at once while a result is looked for.
const PAGE: u32 = 500;

/// What a tool returned, uncut.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolResult {
    #[schema(value_type = Uuid)]
    run_id: RunId,
    #[schema(value_type = Uuid)]
    tool_call_id: ToolCallId,
    content: String,
}

/// The whole result of a tool call, also when its event had to be cut.
#[utoipa::path(
    get,
    path = "/v1/runs/{run_id}/tool-results/{tool_call_id}",
    tag = "runs",
    params(("run_id" = Uuid, Path), ("tool_call_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The result.", body = ToolResult),
        (status = 404, description = "`runs.not_found`, `tool_results.not_found`",
            body = ErrorEnvelope),
        (status = 410, description = "`runs.events_expired`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_tool_result(call: Call<RunsRead, (RunId, ToolCallId)>) -> ApiResult {
    let (store, org) = (call.state.store(), call.caller.org_id);
    let (run_id, tool_call_id) = call.path;
    sight::visible(&call.state, &call.caller, run_id).await?;
    let content = call
        .state
        .read(find(store, org, run_id, tool_call_id))
        .await?;
    Ok(HttpResponse::Ok().json(ToolResult {
        run_id,
        tool_call_id,
        content,
    }))
}

async fn find(
    store: Arc<dyn Store>,
    org: OrgId,
    run: RunId,
    wanted: ToolCallId,
) -> Result<String, ApiError> {
    readable(&*store, org, run).await?;
    if let Some(whole) = store.tool_output(org, run, wanted).await? {
        return Ok(whole);
    }
    // Only results that were cut are kept apart; any other is whole in its event.
    let mut after = 0;
    loop {
        let page = store.log(org, run, after, PAGE).await?;
        for stored in &page {
            if stored.event.event_type != "tool.result" {
                continue;
            }
            let event = stored.decode().map_err(ApiError::internal)?;
            if let EventBody::ToolResult(result) = event.body
                && result.tool_call_id == wanted
            {
                return result.content.ok_or_else(no_result);
            }
        }
        after = match page.last() {
            Some(last) if page.len() == PAGE as usize => last.seq,
            _ => return Err(no_result()),
        };
    }
}

fn no_result() -> ApiError {
    ApiError::not_found(
        "tool_results.not_found",
        "the run has no result of such a tool call",
    )
}
