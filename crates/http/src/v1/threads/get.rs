use actix_web::HttpResponse;
use runloom_domain::ThreadId;

use super::{Thread, not_found};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, FromQuery, QueryFields, ThreadsRead};
use crate::v1::runs::sight;

/// What to show of a thread besides the usual.
pub(crate) struct Include {
    metadata: bool,
}

impl FromQuery for Include {
    fn from_query(query: &mut QueryFields) -> Self {
        Self {
            metadata: !query.words("include", &[("metadata", ())]).is_empty(),
        }
    }
}

/// A thread.
#[utoipa::path(
    get,
    path = "/v1/threads/{thread_id}",
    tag = "threads",
    params(
        ("thread_id" = Uuid, Path),
        ("include" = Option<String>, Query, pattern = "^metadata$", nullable = false,
            description = "`metadata`"),
    ),
    responses(
        (status = 200, description = "The thread.", body = Thread),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_thread(call: Call<ThreadsRead, ThreadId, Include>) -> ApiResult {
    let store = call.state.store();
    let found = call
        .state
        .read(store.thread(call.caller.org_id, call.path))
        .await?;
    let mut record = found.ok_or_else(not_found)?;
    let shown = std::slice::from_mut(&mut record);
    sight::of_threads(&call.state, &call.caller, shown).await?;
    let thread = if call.query.metadata {
        Thread::with_metadata(record)?
    } else {
        Thread::new(record)
    };
    Ok(HttpResponse::Ok().json(thread))
}
