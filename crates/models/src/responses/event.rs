//! The events of a stream of the Responses API, as far as they are understood.

use serde::Deserialize;
use serde_json::Value;

/// One event. Kinds that aren't known are passed over.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Event {
    #[serde(
        rename = "response.output_text.delta",
        alias = "response.refusal.delta"
    )]
    Text { delta: String },
    #[serde(
        rename = "response.reasoning_text.delta",
        alias = "response.reasoning_summary_text.delta"
    )]
    Reasoning { delta: String },
    #[serde(rename = "response.output_item.done")]
    ItemDone { item: Item },
    #[serde(rename = "response.completed", alias = "response.incomplete")]
    End { response: Response },
    #[serde(rename = "response.failed")]
    Failed { response: Value },
    #[serde(rename = "error")]
    Error,
    #[serde(other)]
    Other,
}

/// A whole piece of the answer.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    FunctionCall {
        call_id: Option<String>,
        name: Option<String>,
        #[serde(default)]
        arguments: String,
        status: Option<String>,
    },
    Reasoning {
        encrypted_content: Option<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    pub(super) output: Vec<Item>,
    pub(super) incomplete_details: Option<Incomplete>,
    /// Read apart, so that bad figures don't spoil the answer.
    pub(super) usage: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Incomplete {
    pub(super) reason: Option<String>,
}
