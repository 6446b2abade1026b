//! Google's Gemini format.

mod chunk;
mod reader;
mod usage;

use genai::chat::{ContentPart, ReasoningEffort};
use reqwest::Url;
use serde_json::Value;

use crate::answer::Reader;
use crate::family::{Family, Prepared, effort, extended, response_format};

/// Google's Gemini format.
#[derive(Debug)]
pub(crate) struct Gemini;

impl Family for Gemini {
    /// The model is a part of the path; genai would cut its name.
    fn url(&self, base: &Url, model: &str) -> Url {
        let model = model.strip_prefix("models/").unwrap_or(model);
        let call = format!("{model}:streamGenerateContent");
        let mut url = extended(base, &["models", &call]);
        url.query_pairs_mut().append_pair("alt", "sse");
        url
    }

    /// Each signature stands before the call it came with.
    fn with_opaque(&self, parts: Vec<ContentPart>, opaque: &Value) -> Vec<ContentPart> {
        let signatures = opaque.get(reader::SIGNATURES).and_then(Value::as_array);
        let mut signatures = signatures.into_iter().flatten();
        let mut signed = Vec::with_capacity(parts.len());
        for part in parts {
            if matches!(part, ContentPart::ToolCall(_)) {
                let signature = signatures.next().and_then(Value::as_str);
                signed.extend(signature.map(|own| ContentPart::ThoughtSignature(own.to_owned())));
            }
            signed.push(part);
        }
        signed
    }

    fn prepare(&self, request: &mut Prepared<'_>) {
        let effort = effort(request.call);
        // Models before Gemini 3 refuse a form of the answer together with tools.
        if request.call.tools.is_empty() || request.call.route.model.contains("gemini-3") {
            request.options.response_format = response_format(request);
        }
        // Thoughts are shown only when asked for, and models that don't think refuse the wish.
        request.options.capture_reasoning_content = Some(effort.is_some());
        // Without a word on effort genai would take one from the end of the model's name.
        request.options.reasoning_effort = effort.or(Some(ReasoningEffort::Zero));
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::<reader::GeminiReader>::default()
    }
}
