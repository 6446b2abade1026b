//! Counts as providers document them, and the buckets they fall into, checked by hand.

use std::path::{Path, PathBuf};

use runloom_domain::{TokenBuckets, UsageSource};
use runloom_engine::port::model::ModelEvent;
use serde::Deserialize;
use serde_json::Value;

use crate::bodies::wire;
use crate::mock::Provider;
use crate::outcome::{Outcome, outcome};
use crate::request::{models, request_of};
use crate::wire::kinds;

/// The last events of an answer, and what they say.
#[derive(Deserialize)]
struct Golden {
    events: Vec<Value>,
    uncached_input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    cost_nanos: Option<i64>,
}

impl Golden {
    fn buckets(&self) -> TokenBuckets {
        TokenBuckets {
            uncached_input_tokens: self.uncached_input,
            cache_read_tokens: self.cache_read,
            cache_write_tokens: self.cache_write,
            output_tokens: self.output,
        }
    }
}

fn files(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(kind);
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

async fn read(kind: &str, golden: &Golden) -> Outcome {
    let wire = wire(kind);
    let frame = |event: &Value| {
        if wire.is_lines() {
            format!("{event}\n")
        } else {
            format!("data: {event}\n\n")
        }
    };
    let events: Vec<String> = golden.events.iter().map(frame).collect();
    let provider = Provider::answering(wire.stream(&events)).await;
    outcome(&models(&provider.url), request_of(kind, "hello")).await
}

#[tokio::test]
async fn documented_counts_fall_into_their_buckets() {
    for kind in kinds() {
        let files = files(kind);
        assert!(!files.is_empty(), "{kind}");
        for file in files {
            let golden: Golden = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            let result = read(kind, &golden).await;
            assert_eq!(result.error, None, "{}", file.display());
            let usages: Vec<_> = result
                .events
                .iter()
                .filter_map(|event| match event {
                    ModelEvent::Usage(usage) => Some(*usage),
                    _ => None,
                })
                .collect();
            assert_eq!(usages.len(), 1, "{}", file.display());
            assert_eq!(usages[0].tokens, golden.buckets(), "{}", file.display());
            assert_eq!(usages[0].source, UsageSource::Reported);
            let cost = result.events.iter().find_map(|event| match event {
                ModelEvent::Cost(cost) => Some(cost.as_nanos()),
                _ => None,
            });
            assert_eq!(cost, golden.cost_nanos, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn a_cost_that_cannot_be_is_not_passed_on() {
    for cost in ["-1", "1e30", "\"1\"", "null", "{\"total_cost\":1}"] {
        let usage = format!("{{\"prompt_tokens\":5,\"completion_tokens\":2,\"cost\":{cost}}}");
        let end = wire("openai_chat")
            .reason(crate::wire::Ending::Stop)
            .unwrap();
        let events = [
            end,
            format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n"),
        ];
        let provider = Provider::answering(wire("openai_chat").stream(&events)).await;
        let result = outcome(&models(&provider.url), request_of("openai_chat", "hello")).await;
        assert_eq!(result.line(), "5+0+0>2 Stop", "{cost}");
    }
}
