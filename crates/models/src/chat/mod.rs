//! The chat completions format: OpenAI itself and the many servers that speak like it.

mod chunk;
mod details;
mod reader;
mod usage;

use genai::adapter::AdapterKind;
use genai::chat::{CacheControl, ContentPart, ReasoningEffort};
use reqwest::Url;
use serde_json::{Value, json};

use crate::answer::Reader;
use crate::family::{Family, Prepared, custom_parts, effort, extended, response_format};

/// The chat completions format.
#[derive(Debug)]
pub(crate) struct Chat;

impl Family for Chat {
    fn url(&self, base: &Url, _model: &str) -> Url {
        extended(base, &["chat", "completions"])
    }

    fn with_opaque(&self, parts: Vec<ContentPart>, opaque: &Value) -> Vec<ContentPart> {
        let reasoning = opaque.get(reader::REASONING).and_then(Value::as_str);
        let reasoning = reasoning.map(|text| ContentPart::ReasoningContent(text.to_owned()));
        let details = custom_parts(opaque.get(details::DETAILS));
        reasoning.into_iter().chain(details).chain(parts).collect()
    }

    fn prepare(&self, request: &mut Prepared<'_>) {
        let effort = effort(request.call);
        // With any effort at all, genai has DeepSeek think.
        if request.format == AdapterKind::DeepSeek && effort.is_none() {
            request.format = AdapterKind::OpenAI;
        }
        request.options.response_format = response_format(request);
        // For this format it asks for usage in the stream.
        request.options.capture_usage = Some(true);
        // genai cuts endings like `-high` and beginnings like `x::` off a model's name and makes
        // something of them. A budget, which this format has no field for, prevents the first,
        // the explicit name undoes the second.
        request.options.reasoning_effort = effort.or(Some(ReasoningEffort::Budget(0)));
        request.options.extra_body = Some(json!({"model": request.call.route.model}));
        // Providers of this format cache by themselves. From the newest OpenAI models genai
        // would take that away, unless it is told something that has no field here.
        let caching = request.call.generation.prompt_caching;
        request.options.cache_control = caching.then_some(CacheControl::Ephemeral5m);
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::<reader::ChatReader>::default()
    }
}
