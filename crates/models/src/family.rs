//! What the formats of providers differ in.

use std::fmt;

use genai::adapter::AdapterKind;
use genai::chat::{
    ChatOptions, ChatRequest, ChatResponseFormat, ContentPart, CustomPart, JsonSpec,
    ReasoningEffort as Effort,
};
use reqwest::Url;
use runloom_domain::ReasoningEffort;
use runloom_engine::port::model::ModelRequest;
use serde_json::{Map, Value};

use crate::answer::Reader;
use crate::frames::Framing;
use crate::kind::Kind;

/// A request format together with the format of its streamed answer.
pub(crate) trait Family: fmt::Debug + Sync {
    /// Where a request for `model` goes; `base` ends in a slash.
    fn url(&self, base: &Url, model: &str) -> Url;

    /// Headers beside the credential and the usual ones.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// How its stream is cut into events.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// The parts of an assistant message, its text and then its calls, together with what the
    /// provider wants back with them.
    fn with_opaque(&self, parts: Vec<ContentPart>, opaque: &Value) -> Vec<ContentPart>;

    /// Adds to a conversation and its options what only this format has.
    fn prepare(&self, request: &mut Prepared<'_>);

    /// Mends a drafted body, where genai can't be told what we want.
    fn adjust(&self, _call: &ModelRequest, _body: &mut Map<String, Value>) {}

    /// A reader for one answer.
    fn reader(&self) -> Box<dyn Reader>;
}

/// A request in genai's words, before it is drafted.
pub(crate) struct Prepared<'a> {
    pub(crate) call: &'a ModelRequest,
    pub(crate) kind: &'a Kind,
    /// In whose words it is drafted.
    pub(crate) format: AdapterKind,
    pub(crate) chat: ChatRequest,
    pub(crate) options: ChatOptions,
}

/// `base` with these segments added to its path.
pub(crate) fn extended(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// A list of what came from the provider, to go back as it came.
pub(crate) fn custom_parts(list: Option<&Value>) -> impl Iterator<Item = ContentPart> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().map(|data| {
        ContentPart::Custom(CustomPart {
            model_iden: None,
            data: data.clone(),
        })
    })
}

/// The effort in genai's words.
pub(crate) fn effort(call: &ModelRequest) -> Option<Effort> {
    Some(match call.generation.reasoning_effort? {
        ReasoningEffort::Minimal => Effort::Minimal,
        ReasoningEffort::Low => Effort::Low,
        ReasoningEffort::Medium => Effort::Medium,
        ReasoningEffort::High => Effort::High,
    })
}

/// The form of the answer in genai's words, for providers that hold a model to it.
pub(crate) fn response_format(request: &Prepared<'_>) -> Option<ChatResponseFormat> {
    let wanted = request.call.generation.response_format.as_ref();
    let wanted = wanted.filter(|_| request.kind.enforces_schema)?;
    let spec = JsonSpec::new(wanted.name.clone(), wanted.schema.clone());
    Some(ChatResponseFormat::JsonSpec(spec))
}
