//! Token counts of the Responses API, made disjoint.

use runloom_domain::{TokenBuckets, Usage};
use serde_json::Value;

/// Reads a `usage` object, or `None` when it can't be believed: a count is missing, negative,
/// not an integer or beyond all measure, the input is empty, or its parts exceed the whole.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    let count = |path: &str| usage.pointer(path).filter(|value| !value.is_null());
    let optional = |path: &str| count(path).map_or(Some(0), Value::as_u64);
    let input = count("/input_tokens")?.as_u64().filter(|n| *n > 0)?;
    let cache_read = optional("/input_tokens_details/cached_tokens")?;
    let cache_write = optional("/input_tokens_details/cache_write_tokens")?;
    let output = count("/output_tokens")?.as_u64()?;
    let reasoning = optional("/output_tokens_details/reasoning_tokens")?;
    Usage::reported(TokenBuckets {
        uncached_input_tokens: input.checked_sub(cache_read.checked_add(cache_write)?)?,
        cache_read_tokens: cache_read,
        cache_write_tokens: cache_write,
        output_tokens: (reasoning <= output).then_some(output)?,
    })
}
