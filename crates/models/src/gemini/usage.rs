//! Token counts of Gemini, made disjoint: cached tokens are counted within the prompt, thoughts
//! beside the answer, and what built-in tools put into the prompt beside the prompt.

use runloom_domain::{TokenBuckets, Usage};
use serde_json::Value;

/// Reads a `usageMetadata` object, or `None` when it can't be believed: a count is negative, not
/// an integer or beyond all measure, the prompt is empty, or more is cached than there is; nor
/// when it says nothing of the output, as at the beginning of an answer.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    usage
        .get("candidatesTokenCount")
        .or(usage.get("thoughtsTokenCount"))?;
    let count = |name: &str| match usage.get(name) {
        None | Some(Value::Null) => Some(0),
        Some(count) => count.as_u64(),
    };
    let prompt = count("promptTokenCount")?.checked_add(count("toolUsePromptTokenCount")?)?;
    let cached = count("cachedContentTokenCount")?;
    let output = count("candidatesTokenCount")?.checked_add(count("thoughtsTokenCount")?)?;
    let tokens = TokenBuckets {
        uncached_input_tokens: prompt.checked_sub(cached)?,
        cache_read_tokens: cached,
        cache_write_tokens: 0,
        output_tokens: output,
    };
    (prompt > 0).then(|| Usage::reported(tokens))?
}
