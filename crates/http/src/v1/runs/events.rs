use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use runloom_accounts::Caller;
use runloom_domain::event::seq_from_text;
use runloom_domain::{Permission, RunId};
use runloom_engine::{WatchError, WatchRun};
use serde_json::json;

use super::{events_expired, not_found, sight};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{
    Access, Call, FromPath, FromQuery, Needs, PathFields, QueryFields, admit, bearer,
    refuse_url_tokens,
};
use crate::limits::NoPlace;
use crate::state::HttpState;
use crate::stream::{self, Sending};

/// When who has too many streams open is told to try again: runs end at any time.
const RETRY_STREAM: Duration = Duration::from_secs(5);

/// Sees this run's events: by header, or by a ticket in the URL.
pub(crate) struct EventsRead;

impl Access for EventsRead {
    type Caller = Caller;
    const NEEDS: Needs = Needs::Permissions(&[Permission::RunsRead]);

    async fn check(request: &HttpRequest, state: &HttpState) -> Result<Caller, ApiError> {
        let mut query = QueryFields::new(request.query_string());
        if !query.has("ticket") {
            let caller = bearer(request, state).await?;
            caller.require(Permission::RunsRead)?;
            return Ok(caller);
        }
        refuse_url_tokens(request)?;
        let ticket = query.read("ticket", |text| Ok(text.to_owned()));
        let mut errors = query.finish();
        let run = RunId::from_path(&mut PathFields::new(request, &mut errors));
        match ticket {
            Some(ticket) if errors.is_empty() => {
                let accounts = state.accounts();
                let checked = state.read(accounts.check_ticket(&ticket, run)).await;
                admit(request, state, checked)
            }
            _ => {
                let refused = ApiError::unauthorized("the ticket is not valid");
                admit(request, state, Err(refused))
            }
        }
    }
}

/// From where and how a run is followed.
pub(crate) struct EventsQuery {
    after_seq: Option<u64>,
    follow: bool,
    event_names: bool,
}

impl FromQuery for EventsQuery {
    fn from_query(query: &mut QueryFields) -> Self {
        Self {
            after_seq: query.read("after_seq", seq),
            follow: query.switch("follow").unwrap_or(true),
            event_names: query.switch("event_names").unwrap_or(false),
        }
    }
}

fn seq(text: &str) -> Result<u64, String> {
    seq_from_text(text).ok_or_else(|| "must be an integer from 0 to 9223372036854775807".to_owned())
}

/// Follows a run's events as Server-Sent Events.
///
/// First what is in the log after the cursor, then what is yet to come; the server closes the
/// stream after the run's last event. Lines are `id: <seq>` and `data: <one line of JSON>`.
#[utoipa::path(
    get,
    path = "/v1/runs/{run_id}/events",
    tag = "runs",
    params(
        ("run_id" = Uuid, Path),
        ("after_seq" = Option<i64>, Query, minimum = 0,
            description = "Only events after this one. The larger of it and `Last-Event-ID` counts."),
        ("follow" = Option<u8>, Query, description = "`0`: replay what there is, then end."),
        ("event_names" = Option<u8>, Query, description = "`1`: an `event:` line before each event."),
        ("ticket" = Option<String>, Query, description = "A ticket instead of the header."),
        ("Last-Event-ID" = Option<i64>, Header, description = "Sent by clients that reconnect."),
    ),
    responses(
        (status = 200, description = "`data: {\"seq\":1,\"type\":\"run.started\",\"data\":{…},\"created_at\":\"…\"}`",
            body = String, content_type = "text/event-stream"),
        (status = 204, description = "The run has ended and the cursor is at its end."),
        (status = 404, description = "`runs.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`runs.cursor_ahead`", body = ErrorEnvelope),
        (status = 410, description = "`runs.events_expired`", body = ErrorEnvelope),
        (status = 429, description = "`service.too_many_streams`: the caller has, or their \
            organisation, as many as they may.", body = ErrorEnvelope),
        (status = 503, description = "`service.too_many_streams`: the server has.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn stream_events(call: Call<EventsRead, RunId, EventsQuery>) -> ApiResult {
    let place = call.state.open_stream(&call.caller)?;
    sight::visible(&call.state, &call.caller, call.path).await?;
    let after = last_event_id(&call.request)?.max(call.query.after_seq);
    let wanted = WatchRun {
        org_id: call.caller.org_id,
        run_id: call.path,
        after: after.unwrap_or(0),
        follow: call.query.follow,
    };
    let engine = call.state.engine();
    let watch = match call
        .state
        .read(async { Ok::<_, ApiError>(engine.watch(wanted).await) })
        .await?
    {
        Ok(watch) => watch,
        Err(WatchError::Finished) if wanted.follow => {
            return Ok(HttpResponse::NoContent().finish());
        }
        Err(WatchError::Finished) => return Ok(opened().body("")),
        Err(error) => return Err(error.into()),
    };
    let sending = Sending {
        follow: wanted.follow,
        event_names: call.query.event_names,
        caller: call.caller,
        run: call.path,
        place,
    };
    Ok(opened().streaming(stream::body(&call.state, watch, sending)))
}

/// The head of a stream. Proxies must neither hold it back nor change it.
fn opened() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("x-accel-buffering", "no"));
    response
}

fn last_event_id(request: &HttpRequest) -> Result<Option<u64>, ApiError> {
    let Some(value) = request.headers().get("last-event-id") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("");
    seq(text)
        .map(Some)
        .map_err(|problem| ApiError::invalid_field("Last-Event-ID", problem))
}

impl From<NoPlace> for ApiError {
    fn from(full: NoPlace) -> Self {
        let code = "service.too_many_streams";
        let words = match full {
            NoPlace::Node => {
                return Self::unavailable(code, "too many event streams are open");
            }
            NoPlace::Caller => "you have as many event streams open as you may",
            NoPlace::Org => "your organisation has as many event streams open as it may",
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, words).retry_after(RETRY_STREAM)
    }
}

impl From<WatchError> for ApiError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::NoRun => not_found(),
            WatchError::Expired => events_expired(),
            WatchError::CursorAhead { last_seq } => {
                Self::conflict("runs.cursor_ahead", "the cursor lies beyond the last event")
                    .details(json!({ "last_seq": last_seq }))
            }
            WatchError::Finished => Self::internal("a finished run is not an error"),
            WatchError::Store(error) => error.into(),
        }
    }
}
