//! Token counts of the Messages API, which are disjoint as they come: what was read from the
//! cache or written to it is not in `input_tokens`.

use runloom_domain::{TokenBuckets, Usage};
use serde_json::{Map, Value};

/// The counts that are read.
const COUNTS: [&str; 4] = [
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
];

/// Those of `figures` that say something. Kept from several events, they take little memory.
pub(super) fn counts(
    figures: impl Iterator<Item = (String, Value)>,
) -> impl Iterator<Item = (String, Value)> {
    figures.filter(|(name, value)| COUNTS.contains(&name.as_str()) && !value.is_null())
}

/// Reads the counts, or `None` when they can't be believed: one is negative, not an integer or
/// beyond all measure, the output is missing, or the input is empty.
pub(super) fn read(usage: &Map<String, Value>) -> Option<Usage> {
    let [input, read, written, output] = COUNTS;
    let count = |name| usage.get(name).map_or(Some(0), Value::as_u64);
    let tokens = TokenBuckets {
        uncached_input_tokens: count(input)?,
        cache_read_tokens: count(read)?,
        cache_write_tokens: count(written)?,
        output_tokens: usage.get(output)?.as_u64()?,
    };
    (tokens.input_tokens() > 0).then(|| Usage::reported(tokens))?
}
