use runloom_store::Page;

use super::Thread;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ThreadsRead};
use crate::page;
use crate::v1::params::PageParams;
use crate::v1::runs::sight;

/// The organisation's threads, newest first.
#[utoipa::path(
    get,
    path = "/v1/threads",
    tag = "threads",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<Thread>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_threads(call: Call<ThreadsRead, (), Page>) -> ApiResult {
    let store = call.state.store();
    let mut page = call
        .state
        .read(store.threads(call.caller.org_id, call.query))
        .await?;
    sight::of_threads(&call.state, &call.caller, &mut page.items).await?;
    Ok(page::answer(&call.request, page, Thread::new))
}
