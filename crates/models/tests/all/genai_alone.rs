//! genai's own reader against the same rows. These results are why we read streams ourselves;
//! a newer genai that fails here has perhaps made our reader needless.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use genai::adapter::AdapterKind;
use genai::chat::{ChatOptions, ChatRequest, ChatStreamEvent};
use genai::resolver::{AuthData, Endpoint};
use genai::webc::StreamTimeout;
use genai::{Client, Error, ModelIden, ServiceTarget};
use tokio::time::timeout;

use crate::mock::Provider;
use crate::outcome::quoted;
use crate::request::CANARY;
use crate::rows::{PATIENCE, Row, rows};

/// The result that no test can look at: genai makes room for as many calls as the index says,
/// and the allocation failure ends the process.
const ABORTS: &str = "the process aborts";

#[tokio::test]
async fn genai_alone_has_these_results() {
    // Installs the TLS provider, without which no client can be built.
    drop(crate::request::models("http://127.0.0.1:9/"));
    let client = client();
    let survivable = rows().into_iter().filter(|row| row.alone != ABORTS);
    // Long lines keep genai so busy that everything beside it would time out.
    let (long, short): (Vec<Row>, Vec<Row>) = survivable.partition(Row::is_long);
    let check = async |row: Row| {
        let provider = Provider::answering(row.steps).await;
        let line = timeout(Duration::from_mins(1), alone(&client, &provider.url))
            .await
            .unwrap();
        (line != row.alone).then(|| format!("{}: {line}, not {}", row.name, row.alone))
    };
    let mut changed: Vec<String> = Vec::new();
    changed.extend(
        join_all(short.into_iter().map(check))
            .await
            .into_iter()
            .flatten(),
    );
    for row in long {
        changed.extend(check(row).await);
    }
    assert!(changed.is_empty(), "{changed:#?}");
}

fn client() -> Client {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    Client::builder().with_reqwest(http).build().unwrap()
}

/// What genai makes of the provider at `url`, with the best settings it has.
async fn alone(client: &Client, url: &str) -> String {
    let target = ServiceTarget {
        endpoint: Endpoint::from_owned(format!("{url}/")),
        auth: AuthData::from_single(CANARY),
        model: ModelIden::new(AdapterKind::OpenAI, "m"),
    };
    let options = ChatOptions::default()
        .with_capture_usage(true)
        .with_capture_tool_calls(true)
        .with_stream_header_timeout(PATIENCE)
        .with_stream_read_timeout(PATIENCE);
    let chat = ChatRequest::from_user("hello");
    let mut stream = match client.exec_chat_stream(target, chat, Some(&options)).await {
        Ok(response) => response.stream,
        Err(error) => return told(&error),
    };
    let (mut text, mut thought, mut parts) = (String::new(), String::new(), Vec::new());
    while let Some(event) = stream.next().await {
        match event {
            Ok(ChatStreamEvent::Chunk(chunk)) => text.push_str(&chunk.content),
            Ok(ChatStreamEvent::ReasoningChunk(chunk)) => thought.push_str(&chunk.content),
            Ok(ChatStreamEvent::End(end)) => {
                let calls = end.captured_tool_calls().unwrap_or_default();
                for call in calls {
                    let shown = format!("{}:{}({})", call.call_id, call.fn_name, call.fn_arguments);
                    parts.push(shown);
                }
                if let Some(usage) = end.captured_usage {
                    let shown = |count: Option<i32>| count.map_or("?".into(), |n| n.to_string());
                    let both = (shown(usage.prompt_tokens), shown(usage.completion_tokens));
                    parts.push(format!("{}>{}", both.0, both.1));
                }
                let reason = end
                    .captured_stop_reason
                    .map(|reason| reason.raw().to_owned());
                parts.push(reason.unwrap_or_else(|| "no reason".into()));
            }
            Ok(_) => {}
            Err(error) => {
                parts.push(told(&error));
                break;
            }
        }
    }
    let texts = [('/', thought), ('"', text)].into_iter();
    let texts = texts.filter(|(_, text)| !text.is_empty());
    let mut line: Vec<String> = texts.map(|(mark, text)| quoted(mark, &text)).collect();
    if parts.is_empty() {
        parts.push("nothing more".into());
    }
    line.append(&mut parts);
    line.join(" ")
}

fn told(error: &Error) -> String {
    let kind = match error {
        Error::StreamParse { .. } => "parse".into(),
        Error::ChatResponse { .. } => "reported".into(),
        Error::WebStream { error, .. } => match (error.downcast_ref(), error.downcast_ref()) {
            (Some(Error::HttpError { status, .. }), _) => format!("status {}", status.as_u16()),
            (_, Some(timeout)) => format!("timeout {:?}", timeout as &StreamTimeout),
            _ => "connection".into(),
        },
        _ => "other".into(),
    };
    let leak = if error.to_string().contains(CANARY) {
        ", which shows the key"
    } else if error.to_string().contains("SECRET") {
        ", which shows the payload"
    } else {
        ""
    };
    format!("error {kind}{leak}")
}
