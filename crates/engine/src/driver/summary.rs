//! The summary of what a model isn't shown any more.

use std::fmt::Write as _;

use runloom_domain::{Generation, Message, MessageBody, MessageId, Route, Timestamp};
use runloom_store::StoreError;

use super::call::LiveCall;
use super::open::{Asked, At, ask, granted};
use super::{Owned, history};
use crate::machine::Summary;
use crate::shared::Shared;

/// What the model is told for a summary.
const PROMPT: &str = "You shorten conversations. Summarise the conversation below so that an \
    assistant who reads only your summary can go on with it: what was asked, what was found out \
    and decided, names and figures that may matter, and what is still open. Answer with the \
    summary alone, in the language of the conversation.";

/// Opens the call for a summary of what the run isn't shown of its thread. As much of it is sent
/// as the model is shown of the rest: the newest of it, since what is older was summarised
/// before or matters least.
pub(super) async fn open(
    shared: &Shared,
    run: &mut Owned,
    at: At,
    route: Route,
) -> Result<LiveCall, StoreError> {
    let reader = history::Reader::from(&*run);
    let shown = history::load(shared, reader).await?;
    let oldest = shown.iter().map(|message| message.position).min();
    let compacted = run.state.compacted.as_ref();
    let max_bytes = compacted.map_or(0, |compacted| compacted.max_bytes);
    let left_out = match oldest {
        Some(oldest) => history::load(shared, reader.before(oldest, max_bytes)).await?,
        None => Vec::new(),
    };
    let asked = Asked {
        prompt: PROMPT.to_owned(),
        messages: vec![said(run, transcript(run, &left_out))],
        tools: Vec::new(),
        generation: Generation::default(),
    };
    let granted = granted(shared, run).await?;
    Ok(ask(shared, run, at, route, asked, granted))
}

/// The messages, and the summary of what went before if there is one.
pub(super) fn shown_before(run: &Owned, mut messages: Vec<Message>) -> Vec<Message> {
    if let Summary::Made(summary) = &run.state.summary {
        let text = format!("[Summary of the conversation until here]\n{summary}");
        messages.insert(0, said(run, text));
    }
    messages
}

/// A conversation as text, and before it the summary of what came earlier.
fn transcript(run: &Owned, messages: &[Message]) -> String {
    let mut text = String::new();
    if let Summary::Wanted(Some(earlier)) = &run.state.summary {
        text.push_str(earlier);
        text.push_str("\n\n");
    }
    for message in messages {
        let role = message.body.role().as_str();
        // Writing to a string cannot fail.
        let _ = write!(text, "{role}: {}", message.body.content());
        if let MessageBody::Assistant { tool_calls, .. } = &message.body {
            for call in tool_calls {
                let _ = write!(text, " [{} {}]", call.tool_name, call.arguments);
            }
        }
        text.push('\n');
    }
    text
}

/// A message that is sent and never stored.
fn said(run: &Owned, content: String) -> Message {
    Message {
        id: MessageId::from_uuid(run.run_id.as_uuid()),
        org_id: run.org_id,
        thread_id: run.thread_id,
        run_id: Some(run.run_id),
        position: 0,
        body: MessageBody::User { content },
        created_by_user_id: None,
        created_at: Timestamp::from_micros(0),
    }
}
