//! Token counts of OpenAI-style providers, made disjoint.

use runloom_domain::{TokenBuckets, Usage};
use serde_json::Value;

/// Reads a `usage` object, or `None` when it can't be believed: a count is missing, negative,
/// not an integer or beyond all measure, the input is empty, or its parts exceed the whole.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    let count = |path: &str| usage.pointer(path).filter(|value| !value.is_null());
    let optional = |path: &str| count(path).map_or(Some(0), Value::as_u64);
    let input = count("/prompt_tokens")?.as_u64().filter(|n| *n > 0)?;
    let output = count("/completion_tokens")?.as_u64()?;
    let cache_read = match count("/prompt_tokens_details/cached_tokens") {
        Some(cached) => cached.as_u64()?,
        // DeepSeek's name for it.
        None => optional("/prompt_cache_hit_tokens")?,
    };
    let cache_write = optional("/prompt_tokens_details/cache_write_tokens")?;
    let reasoning = optional("/completion_tokens_details/reasoning_tokens")?;
    Usage::reported(TokenBuckets {
        uncached_input_tokens: input.checked_sub(cache_read.checked_add(cache_write)?)?,
        cache_read_tokens: cache_read,
        cache_write_tokens: cache_write,
        output_tokens: with_reasoning(input, output, reasoning, optional("/total_tokens")?)?,
    })
}

/// Output tokens, reasoning included. Most providers count it in; for those that don't (xAI),
/// the sum shows it.
fn with_reasoning(input: u64, output: u64, reasoning: u64, total: u64) -> Option<u64> {
    let both = output.checked_add(reasoning)?;
    let apart = total == input.checked_add(both)?;
    Some(if apart { both } else { output })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn buckets(usage: &Value) -> Option<[u64; 4]> {
        read(usage).map(|Usage { tokens: t, .. }| {
            [
                t.uncached_input_tokens,
                t.cache_read_tokens,
                t.cache_write_tokens,
                t.output_tokens,
            ]
        })
    }

    #[test]
    fn cached_tokens_are_taken_out_of_the_input() {
        let openai = json!({"prompt_tokens": 281, "completion_tokens": 31, "total_tokens": 312,
            "prompt_tokens_details": {"cached_tokens": 178, "audio_tokens": null}});
        assert_eq!(buckets(&openai), Some([103, 178, 0, 31]));
        let deepseek = json!({"prompt_tokens": 9, "completion_tokens": 1,
            "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5});
        assert_eq!(buckets(&deepseek), Some([5, 4, 0, 1]));
        let written = json!({"prompt_tokens": 9, "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}});
        assert_eq!(buckets(&written), Some([4, 2, 3, 1]));
    }

    #[test]
    fn reasoning_is_output_wherever_it_is_counted() {
        let details = json!({"reasoning_tokens": 192});
        let within = json!({"prompt_tokens": 10, "completion_tokens": 200, "total_tokens": 210,
            "completion_tokens_details": details});
        assert_eq!(buckets(&within), Some([10, 0, 0, 200]));
        let apart = json!({"prompt_tokens": 10, "completion_tokens": 35, "total_tokens": 237,
            "completion_tokens_details": details});
        assert_eq!(buckets(&apart), Some([10, 0, 0, 227]));
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        for suspect in [
            json!(null),
            json!("many"),
            json!({}),
            json!({"prompt_tokens": 5}),
            json!({"prompt_tokens": 0, "completion_tokens": 0}),
            json!({"prompt_tokens": -5, "completion_tokens": 1}),
            json!({"prompt_tokens": 5, "completion_tokens": 1.5}),
            json!({"prompt_tokens": 5, "completion_tokens": 9_223_372_036_854_775_808_u64}),
            json!({"prompt_tokens": 5, "completion_tokens": 1e30}),
            json!({"prompt_tokens": 5, "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 6}}),
            json!({"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": -6}),
        ] {
            assert_eq!(read(&suspect), None, "{suspect}");
        }
    }
}
