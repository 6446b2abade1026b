//! OpenAI's Responses format, used without the provider's memory of earlier answers.

mod event;
mod reader;
mod usage;

use genai::chat::{ContentPart, ReasoningEffort};
use reqwest::Url;
use serde_json::{Value, json};

use crate::answer::Reader;
use crate::family::{Family, Prepared, effort, extended, response_format};

/// Beginnings of the names of models that reason. Others refuse to be asked for it.
const REASONING_MODELS: [&str; 5] = ["gpt-5", "gpt-6", "o1", "o3", "o4"];

/// OpenAI's Responses format.
#[derive(Debug)]
pub(crate) struct Responses;

impl Family for Responses {
    fn url(&self, base: &Url, _model: &str) -> Url {
        extended(base, &["responses"])
    }

    fn with_opaque(&self, parts: Vec<ContentPart>, opaque: &Value) -> Vec<ContentPart> {
        let items = opaque.get(reader::REASONING).and_then(Value::as_array);
        let items = items.into_iter().flatten().filter_map(Value::as_str);
        let items = items.map(|item| ContentPart::ThoughtSignature(item.to_owned()));
        items.chain(parts).collect()
    }

    fn prepare(&self, request: &mut Prepared<'_>) {
        let effort = effort(request.call);
        let model = &request.call.route.model;
        let mut extra = json!({"model": model});
        if effort.is_some() || reasons(model) {
            // What the model thought, for the next step; genai would ask for a summary with it,
            // which OpenAI gives to verified organisations only.
            extra["include"] = json!(["reasoning.encrypted_content"]);
        }
        // Unset, the API makes every parameter of a tool a required one.
        if let Some(tools) = request.chat.tools.take() {
            let loose = tools.into_iter().map(|tool| tool.with_strict(false));
            request.chat.tools = Some(loose.collect());
        }
        request.options.response_format = response_format(request);
        // The API has no such parameter, and refuses those that it doesn't have.
        request.options.stop_sequences.clear();
        // As for chat: a budget keeps genai from making an effort of the model's name.
        request.options.reasoning_effort = effort.or(Some(ReasoningEffort::Budget(0)));
        request.options.extra_body = Some(extra);
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::<reader::ResponsesReader>::default()
    }
}

fn reasons(model: &str) -> bool {
    let known = REASONING_MODELS.iter().any(|name| model.starts_with(name));
    known && !model.contains("-chat")
}
