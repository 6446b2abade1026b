//! Token counts of Ollama, made disjoint.

use runloom_domain::{TokenBuckets, Usage};
use serde_json::Value;

use super::chunk::Chunk;

/// Reads the counts of the last line, or `None` when they can't be believed: one is missing,
/// negative, not an integer or beyond all measure, or more is cached than there is.
pub(super) fn read(last: &Chunk) -> Option<Usage> {
    let input = last.prompt_eval_count.as_ref()?.as_u64()?;
    let cached = last.prompt_eval_cached_count.as_ref();
    let cached = cached.map_or(Some(0), Value::as_u64)?;
    let tokens = TokenBuckets {
        uncached_input_tokens: input.checked_sub(cached)?,
        cache_read_tokens: cached,
        cache_write_tokens: 0,
        output_tokens: last.eval_count.as_ref()?.as_u64()?,
    };
    (input > 0).then(|| Usage::reported(tokens))?
}
