//! What a model is shown of a long thread.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use runloom_domain::event::FinishReason;
use runloom_engine::EngineConfig;
use runloom_engine::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest, ModelStream};

use super::bench::{life_after, route};

/// Notes the first words of what it is shown.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl ModelPort for Listener {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let words = request.messages.iter().filter_map(|message| {
            let word = message.body.content().split(' ').next();
            word.map(str::to_owned)
        });
        self.0.lock().expect("a lock").extend(words);
        let end = ModelEvent::Finished {
            reason: FinishReason::Stop,
            provider: None,
        };
        Ok(stream::iter([Ok(end)]).boxed())
    }
}

async fn shown(config: EngineConfig) -> Vec<String> {
    let said = (1..=300).map(|n| format!("{n} {}", "x".repeat(996 - n.to_string().len())));
    let listener = Listener::default();
    let routes = vec![route("r", |_| ())];
    life_after(said.collect(), config, listener.clone(), routes).await;
    let seen = listener.0.lock().expect("a lock");
    seen.clone()
}

fn numbers(from: u32) -> Vec<String> {
    (from..=300).map(|n| n.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_shown_whole_and_in_order() {
    assert_eq!(shown(EngineConfig::default()).await, numbers(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_messages_are_shown() {
    let config = EngineConfig {
        max_history: 100,
        ..EngineConfig::default()
    };
    assert_eq!(shown(config).await, numbers(201));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_bytes_are_shown_as_configured() {
    let config = EngineConfig {
        max_history_bytes: 150 * 997 + 996,
        ..EngineConfig::default()
    };
    assert_eq!(shown(config).await, numbers(151));
}
