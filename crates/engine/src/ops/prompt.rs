use runloom_domain::{PromptError, PromptTemplate};

use crate::facade::StartError;

/// The persona's prompt with values of the run's metadata in it. `metadata` is the text of a
/// JSON object.
pub(super) fn render(prompt: &str, metadata: Option<&str>) -> Result<String, StartError> {
    // What is no object has no values, and then they are missing.
    let metadata = metadata.and_then(|text| serde_json::from_str(text).ok());
    let rendered = PromptTemplate::parse(prompt).render(&metadata.unwrap_or_default());
    rendered.map_err(|error| match error {
        PromptError::Missing(names) => StartError::MissingVariables(names),
        PromptError::TooLong => StartError::PromptTooLong,
    })
}
