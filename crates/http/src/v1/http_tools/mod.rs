//! HTTP tools of organisations. Their secrets go in and never come out.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
mod headers;
pub(crate) mod list;
mod said;
mod sealed;
mod shown;
pub(crate) mod update;

pub(crate) use shown::HttpTool;

use runloom_store::ToolRefusal;

use crate::error::ApiError;
use crate::state::HttpState;

fn not_found() -> ApiError {
    ApiError::not_found("http_tools.not_found", "there is no such tool")
}

fn refused(refusal: ToolRefusal) -> ApiError {
    match refusal {
        ToolRefusal::Taken => {
            ApiError::conflict("http_tools.name_taken", "another tool has this name")
        }
        ToolRefusal::TooMany => ApiError::conflict(
            "http_tools.limit_exceeded",
            "the organisation has as many tools as it may",
        ),
    }
}

/// What only the deployment can say of a name and a URL, those that are said.
fn check(state: &HttpState, name: Option<&str>, url: Option<&str>) -> Result<(), ApiError> {
    let configuring = state.configuring();
    if let Some(name) = name.filter(|name| configuring.tool_names.contains(*name)) {
        let problem = format!("{name} is a tool that every organisation has");
        return Err(ApiError::invalid_field("name", problem));
    }
    url.map_or(Ok(()), |url| {
        configuring
            .check_url(url)
            .map_err(|problem| ApiError::invalid_field("url", problem))
    })
}
