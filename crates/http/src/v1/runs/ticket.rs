use actix_web::HttpResponse;
use runloom_domain::RunId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{readable, sight};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, Empty, RunsRead};

/// Opens a run's event stream where no header can be sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedTicket {
    /// To be passed as `?ticket=`.
    ticket: String,
    /// How long it can be used, in seconds.
    expires_in: u64,
}

/// Gives a ticket for a run's event stream, since `EventSource` in browsers can't send headers.
#[utoipa::path(
    post,
    path = "/v1/runs/{run_id}/events:ticket",
    tag = "runs",
    params(("run_id" = Uuid, Path)),
    responses(
        (status = 201, description = "A ticket.", body = IssuedTicket),
        (status = 404, description = "`runs.not_found`", body = ErrorEnvelope),
        (status = 410, description = "`runs.events_expired`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn issue_ticket(call: Call<RunsRead, RunId, (), Empty>) -> ApiResult {
    sight::visible(&call.state, &call.caller, call.path).await?;
    let store = call.state.store();
    call.state
        .read(readable(&*store, call.caller.org_id, call.path))
        .await?;
    let ticket = call
        .state
        .accounts()
        .issue_ticket(&call.caller, call.path)?;
    Ok(HttpResponse::Created()
        .insert_header((actix_web::http::header::CACHE_CONTROL, "no-store"))
        .json(IssuedTicket {
            ticket: ticket.ticket.expose().to_owned(),
            expires_in: ticket.expires_in.as_secs(),
        }))
}
