use actix_web::HttpResponse;
use runloom_domain::ThreadId;
use runloom_store::ThreadPatch;
use utoipa::ToSchema;

use super::{TITLE, Thread, metadata, not_found};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, ThreadsWrite};
use crate::v1::runs::sight;

/// What to change of a thread: an absent field stays, null removes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct ThreadPatchBody {
    #[schema(max_length = 200)]
    title: Option<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
}

impl Body for ThreadPatch {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            title: fields
                .has("title")
                .then(|| fields.optional_text("title", TITLE)),
            metadata: fields.has("metadata").then(|| metadata(fields)),
        }
    }
}

/// Changes a thread.
#[utoipa::path(
    patch,
    path = "/v1/threads/{thread_id}",
    tag = "threads",
    params(("thread_id" = Uuid, Path)),
    request_body(content = Option<ThreadPatchBody>),
    responses(
        (status = 200, description = "The thread as it is now.", body = Thread),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_thread(
    call: Call<ThreadsWrite, ThreadId, (), ThreadPatch>,
) -> ApiResult {
    let (store, org, thread) = (call.state.store(), call.caller.org_id, call.path);
    let patch = call.body;
    let found = call
        .state
        .run(async move { store.update_thread(org, thread, patch).await })
        .await?;
    let mut record = found.ok_or_else(not_found)?;
    let shown = std::slice::from_mut(&mut record);
    sight::of_threads(&call.state, &call.caller, shown).await?;
    Ok(HttpResponse::Ok().json(Thread::new(record)))
}
