use runloom_domain::{MessageId, Role, ThreadId};
use runloom_store::UserMessage;
use utoipa::ToSchema;

use super::{MessageContent, ShownMessage, content};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, ThreadsWrite};
use crate::limits;
use crate::v1::params::OnceParams;
use crate::v1::threads;

/// A user message to be posted.
#[derive(ToSchema)]
pub(crate) struct NewMessageBody {
    #[schema(value_type = MessageContent)]
    content: String,
}

impl Body for NewMessageBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            content: content(fields),
        }
    }
}

/// Posts a user message. While a run is live, the message belongs to later runs.
#[utoipa::path(
    post,
    path = "/v1/threads/{thread_id}/messages",
    tag = "messages",
    params(("thread_id" = Uuid, Path), OnceParams),
    request_body = NewMessageBody,
    responses(
        (status = 201, description = "Posted.", body = ShownMessage),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = 507, description = "`storage.limit_exceeded`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn post_message(
    mut call: Call<ThreadsWrite, ThreadId, (), NewMessageBody>,
) -> ApiResult {
    if let Err(refused) = limits::check_storage(&call.state, call.caller.org_id).await {
        return call.answered_before(refused).await;
    }
    let now = call.state.now();
    let shown = ShownMessage {
        id: MessageId::generate(now),
        org_id: call.caller.org_id,
        thread_id: call.path,
        run_id: None,
        role: Role::User,
        content: std::mem::take(&mut call.body.content),
        created_by_user_id: Some(call.caller.user_id),
        created_at: now,
        tool_calls: Vec::new(),
        tool_call_id: None,
        tool_name: None,
    };
    let (answer, once) = call.answer(&shown)?;
    let message = UserMessage {
        org_id: shown.org_id,
        thread_id: shown.thread_id,
        message_id: shown.id,
        content: shown.content,
        created_by: call.caller.user_id,
        created_at: now,
    };
    let store = call.state.store();
    let outcome = call
        .state
        .run(async move { store.post_message(message, once).await })
        .await?;
    answer.settle(outcome, |answer, posted| {
        posted
            .map(|_| answer.respond())
            .ok_or_else(threads::not_found)
    })
}
