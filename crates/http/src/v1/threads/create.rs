use runloom_domain::ThreadId;
use runloom_store::{NewThread, ThreadRecord};
use utoipa::ToSchema;

use super::{TITLE, Thread, metadata};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, ThreadsWrite};
use crate::limits;
use crate::v1::params::OnceParams;

/// A thread to be made. The body may be left out.
#[derive(ToSchema)]
pub(crate) struct NewThreadBody {
    #[schema(max_length = 200)]
    title: Option<String>,
    /// Kept for the client: at most 16 KB of JSON.
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
}

impl Body for NewThreadBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            title: fields.optional_text("title", TITLE),
            metadata: metadata(fields),
        }
    }
}

/// Makes a thread.
#[utoipa::path(
    post,
    path = "/v1/threads",
    tag = "threads",
    params(OnceParams),
    request_body(content = Option<NewThreadBody>),
    responses(
        (status = 201, description = "Made.", body = Thread),
        (status = 429, description = "`threads.limit_exceeded`", body = ErrorEnvelope),
        (status = 507, description = "`storage.limit_exceeded`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_thread(call: Call<ThreadsWrite, (), (), NewThreadBody>) -> ApiResult {
    if let Err(refused) = limits::check_threads(&call.state, call.caller.org_id).await {
        return call.answered_before(refused).await;
    }
    let now = call.state.now();
    let record = ThreadRecord {
        thread_id: ThreadId::generate(now),
        org_id: call.caller.org_id,
        created_by: call.caller.user_id,
        title: call.body.title.clone(),
        metadata: call.body.metadata.clone(),
        created_at: now,
        active_run_id: None,
    };
    let new = NewThread {
        org_id: record.org_id,
        thread_id: record.thread_id,
        created_by: record.created_by,
        title: record.title.clone(),
        metadata: record.metadata.clone(),
        created_at: now,
    };
    let (answer, once) = call.answer(&Thread::new(record))?;
    let store = call.state.store();
    let outcome = call
        .state
        .run(async move { store.create_thread(new, once).await })
        .await?;
    answer.settle(outcome, |answer, ()| Ok(answer.respond()))
}
