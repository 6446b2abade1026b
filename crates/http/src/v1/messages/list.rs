use runloom_domain::ThreadId;
use runloom_store::Page;

use super::ShownMessage;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, FromQuery, QueryFields, ThreadsRead};
use crate::page;
use crate::v1::params::PageParams;
use crate::v1::runs::sight;
use crate::v1::threads;

/// Which messages.
pub(crate) struct MessagesQuery {
    page: Page,
    with_tools: bool,
}

impl FromQuery for MessagesQuery {
    fn from_query(query: &mut QueryFields) -> Self {
        Self {
            page: Page::from_query(query),
            with_tools: !query.words("include", &[("tools", ())]).is_empty(),
        }
    }
}

/// A thread's messages, newest first: what people and the assistant said.
#[utoipa::path(
    get,
    path = "/v1/threads/{thread_id}/messages",
    tag = "messages",
    params(
        ("thread_id" = Uuid, Path),
        PageParams,
        ("include" = Option<String>, Query, pattern = "^tools$", nullable = false,
            description = "`tools`: tool calls and results too."),
    ),
    responses(
        (status = 200, description = "A page.", body = Vec<ShownMessage>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_messages(call: Call<ThreadsRead, ThreadId, MessagesQuery>) -> ApiResult {
    let (store, with_tools) = (call.state.store(), call.query.with_tools);
    let listed = store.messages(call.caller.org_id, call.path, call.query.page, with_tools);
    let page = call.state.read(listed).await?;
    let mut page = page.ok_or_else(threads::not_found)?;
    sight::of_messages(&call.state, &call.caller, &mut page.items).await?;
    Ok(page::answer(&call.request, page, |message| {
        ShownMessage::new(message, with_tools)
    }))
}
