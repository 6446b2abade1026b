//! Anthropic's Messages format.

mod event;
mod reader;
mod thinking;
mod usage;

use genai::chat::{CacheControl, ChatMessage, ChatRequest, ChatRole, ContentPart, ReasoningEffort};
use reqwest::Url;
use runloom_engine::port::model::ModelRequest;
use serde_json::{Map, Value, json};

use crate::answer::Reader;
use crate::family::{Family, Prepared, custom_parts, effort, extended, response_format};

/// The smallest budget for thinking that the API takes.
const LEAST_BUDGET: u64 = 1024;

/// Anthropic's Messages format.
#[derive(Debug)]
pub(crate) struct Anthropic;

impl Family for Anthropic {
    fn url(&self, base: &Url, _model: &str) -> Url {
        extended(base, &["messages"])
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn with_opaque(&self, parts: Vec<ContentPart>, opaque: &Value) -> Vec<ContentPart> {
        let blocks = custom_parts(opaque.get(thinking::BLOCKS));
        blocks.chain(parts).collect()
    }

    fn prepare(&self, request: &mut Prepared<'_>) {
        join_results(&mut request.chat);
        if request.call.generation.prompt_caching {
            mark_for_cache(&mut request.chat);
        }
        let effort = effort(request.call);
        request.options.response_format = response_format(request);
        // Else newer models keep what they think to themselves.
        request.options.capture_reasoning_content = Some(effort.is_some());
        // Without a word on effort genai would take one from the end of the model's name.
        request.options.reasoning_effort = effort.or(Some(ReasoningEffort::Zero));
        request.options.extra_body = Some(json!({"model": request.call.route.model}));
    }

    fn adjust(&self, call: &ModelRequest, body: &mut Map<String, Value>) {
        if call.generation.reasoning_effort.is_none() {
            // From models that think unless told otherwise, no effort of ours would take it.
            body.shift_remove("thinking");
        } else {
            fit_budget(body);
        }
        if body.contains_key("thinking") {
            // The API refuses them beside thinking.
            body.shift_remove("temperature");
            body.shift_remove("top_p");
        }
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::<reader::AnthropicReader>::default()
    }
}

/// Puts the results of calls that were made together into one message, as the API wants them.
fn join_results(chat: &mut ChatRequest) {
    let mut joined: Vec<ChatMessage> = Vec::with_capacity(chat.messages.len());
    for message in std::mem::take(&mut chat.messages) {
        match joined.last_mut() {
            Some(last) if last.role == ChatRole::Tool && message.role == ChatRole::Tool => {
                last.content.extend(message.content);
            }
            _ => joined.push(message),
        }
    }
    chat.messages = joined;
}

/// Asks for the prompt to be cached: the tools and the system prompt, which stay, and all up to
/// the last message, which the next step begins with.
fn mark_for_cache(chat: &mut ChatRequest) {
    if let Some(last) = chat.messages.last_mut() {
        last.options = Some(CacheControl::Ephemeral.into());
    }
    if let Some(prompt) = chat.system.take() {
        // genai marks system messages, but not the system prompt. It stands behind the tools.
        let prompt = ChatMessage::system(prompt).with_options(CacheControl::Ephemeral);
        chat.messages.insert(0, prompt);
    } else if let Some(tool) = chat.tools.as_mut().and_then(|tools| tools.last_mut()) {
        tool.cache_control = Some(CacheControl::Ephemeral);
    }
}

/// Makes room for an answer beside the thinking: genai gives an effort a fixed budget, whatever
/// the limit on output, and the API refuses a budget that isn't below it.
fn fit_budget(body: &mut Map<String, Value>) {
    let most = body.get("max_tokens").and_then(Value::as_u64);
    let budget = body
        .get("thinking")
        .and_then(|own| own.get("budget_tokens"));
    let (Some(most), Some(budget)) = (most, budget.and_then(Value::as_u64)) else {
        return;
    };
    if most <= LEAST_BUDGET {
        body.shift_remove("thinking");
    } else if budget >= most {
        body["thinking"]["budget_tokens"] = json!(LEAST_BUDGET.max(most / 2));
    }
}
