use runloom_domain::{MessageId, ThreadId};
use runloom_store::Rewind;
use utoipa::ToSchema;

use super::{MessageContent, content};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, MayEdit};
use crate::v1::params::OnceParams;
use crate::v1::runs::CreatedRun;
use crate::v1::runs::create::{LimitsBody, Wish, start};

/// A user message's new content, and how to run it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct EditBody {
    #[schema(value_type = MessageContent)]
    content: String,
    /// As when a run is started.
    #[schema(max_length = 200)]
    route_id: Option<String>,
    /// As when a run is started.
    #[schema(max_length = 200)]
    persona_id: Option<String>,
    /// As when a run is started.
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
    limits: Option<LimitsBody>,
}

/// What an edit asks for.
pub(crate) struct Edit {
    content: String,
    wish: Wish,
}

impl Body for Edit {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            content: content(fields),
            wish: Wish::common(fields),
        }
    }
}

/// Edits a user message: what follows it is hidden, and a run starts from there.
#[utoipa::path(
    patch,
    path = "/v1/threads/{thread_id}/messages/{message_id}",
    tag = "messages",
    params(("thread_id" = Uuid, Path), ("message_id" = Uuid, Path), OnceParams),
    request_body = EditBody,
    responses(
        (status = 201, description = "The new run has begun.", body = CreatedRun),
        (status = 404, description = "`threads.not_found`, `messages.not_found`",
            body = ErrorEnvelope),
        (status = 409, description = "`runs.thread_busy`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn edit_message(
    call: Call<MayEdit, (ThreadId, MessageId), (), Edit>,
) -> ApiResult {
    let (thread_id, message_id) = call.path;
    let wish = call.body.wish.after(Rewind {
        message_id: Some(message_id),
        content: Some(call.body.content.clone()),
    });
    start(&call, thread_id, wish).await
}
