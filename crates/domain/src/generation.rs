use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a model is asked to answer, beside what it is asked. What is absent is left to the
/// provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generation {
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling: the share of probability that is sampled from.
    pub top_p: Option<f64>,
    /// Texts at which the model stops.
    pub stop: Vec<String>,
    /// How much it thinks before it answers.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// The form of the answer.
    pub response_format: Option<ResponseFormat>,
    /// Whether the provider is asked to cache the prompt, where it has to be asked.
    pub prompt_caching: bool,
}

impl Default for Generation {
    fn default() -> Self {
        Self {
            temperature: None,
            top_p: None,
            stop: Vec::new(),
            reasoning_effort: None,
            response_format: None,
            prompt_caching: true,
        }
    }
}

/// How much a model thinks before it answers; each provider has its own measure for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningEffort {
    /// As little as it can.
    Minimal,
    /// Little.
    Low,
    /// As usual.
    Medium,
    /// Much.
    High,
}

/// An answer that is JSON of a given form. The provider enforces it where it can; the engine
/// validates it always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseFormat {
    /// What the form is called; some providers want a name.
    #[serde(default = "answer")]
    pub name: String,
    /// Its JSON schema.
    pub schema: Value,
}

fn answer() -> String {
    "answer".to_owned()
}
