//! What a URL answers to a call.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use runloom_domain::text::prefix;
use runloom_engine::port::tool::ToolError;
use runloom_net::guard::{BodyCaps, BodyError, Refused, read_body};

/// How much of an answer is taken. The model sees less; the whole is stored.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How long an answer's body may take at most; the tool's own timeout is shorter.
const BODY: Duration = Duration::from_mins(10);

/// How much of an answer that says no is shown to the model, in bytes, and how long it may take.
const EXCERPT: usize = 2_000;
const EXCERPT_TIME: Duration = Duration::from_secs(5);

/// How long a busy server may have us wait, and how long we do when it doesn't say.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const USUAL_WAIT: Duration = Duration::from_secs(1);

/// What became of one try.
pub(super) enum Tried {
    /// That's it.
    Done(Result<String, ToolError>),
    /// The server has no time; it may have said when to come again.
    Busy {
        again_in: Option<Duration>,
        error: ToolError,
    },
    /// It was sent, and nobody knows what became of it.
    Broken(String),
}

/// Reads what came of a request.
pub(super) async fn read(sent: reqwest::Result<Response>) -> Tried {
    let response = match sent {
        Ok(response) => response,
        Err(error) => return not_answered(&error),
    };
    let status = response.status();
    if status.is_success() {
        return content(response).await;
    }
    if status.is_redirection() {
        let why = format!("the tool answers {status}; redirects are not followed");
        return Tried::Done(Err(ToolError::failed(why)));
    }
    let again_in = again_in(&response);
    let excerpt = excerpt(response).await;
    let error = ToolError::failed(format!("the tool answers {status}: {excerpt}"));
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Tried::Busy { again_in, error }
        }
        _ => Tried::Done(Err(error)),
    }
}

fn not_answered(error: &reqwest::Error) -> Tried {
    let not_made = |why: String| Tried::Done(Err(ToolError::unavailable(why)));
    if let Some(refused) = Refused::of(error) {
        return not_made(refused.to_string());
    }
    if error.is_connect() || error.is_builder() {
        return not_made("the tool's server can't be connected to".to_owned());
    }
    Tried::Broken("the connection broke before the tool had answered".to_owned())
}

async fn content(response: Response) -> Tried {
    let caps = BodyCaps {
        max_bytes: MAX_BYTES,
        timeout: BODY,
    };
    match read_body(response, caps).await {
        Ok(body) => Tried::Done(match String::from_utf8(body) {
            Ok(text) => Ok(text),
            Err(_) => Err(ToolError::failed(
                "the tool did what it was asked, but its answer is no text",
            )),
        }),
        Err(BodyError::TooLarge { max_bytes }) => Tried::Done(Err(ToolError::failed(format!(
            "the tool did what it was asked, but its answer has more than {max_bytes} bytes"
        )))),
        Err(BodyError::TooSlow { .. } | BodyError::Broken(_)) => {
            Tried::Broken("the connection broke in the middle of the tool's answer".to_owned())
        }
    }
}

/// When a busy server may be asked again, if that is soon.
fn again_in(response: &Response) -> Option<Duration> {
    let asked = match response.headers().get(RETRY_AFTER) {
        // A date is as good as "later".
        Some(value) => Duration::from_secs(value.to_str().ok()?.trim().parse().ok()?),
        None => USUAL_WAIT,
    };
    (asked <= LONGEST_WAIT).then_some(asked)
}

/// How an answer that says no begins.
async fn excerpt(mut response: Response) -> String {
    let mut begin = Vec::new();
    let reading = async {
        while begin.len() < EXCERPT
            && let Ok(Some(chunk)) = response.chunk().await
        {
            begin.extend_from_slice(&chunk);
        }
    };
    // What has come by then is what is shown.
    let _ = tokio::time::timeout(EXCERPT_TIME, reading).await;
    let text = String::from_utf8_lossy(&begin);
    prefix(text.trim(), EXCERPT).to_owned()
}
