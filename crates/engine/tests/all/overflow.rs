//! Conversations that are too long for the model.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream;
use runloom_domain::event::FinishReason;
use runloom_domain::{Event, EventBody};
use runloom_engine::EngineConfig;
use runloom_engine::port::model::{
    ModelError, ModelErrorKind, ModelEvent, ModelPort, ModelRequest, ModelStream,
};
use serde_json::json;

use super::bench::{life_as, route};

/// Takes so many bytes of messages, and notes the texts of each request.
#[derive(Clone)]
struct Small {
    bytes: usize,
    asked: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Small {
    fn new(bytes: usize) -> Self {
        Self {
            bytes,
            asked: Arc::default(),
        }
    }
}

#[async_trait]
impl ModelPort for Small {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let texts: Vec<_> = request
            .messages
            .iter()
            .map(|message| message.body.content().to_owned())
            .collect();
        let bytes: usize = texts.iter().map(String::len).sum();
        self.asked.lock().unwrap().push(texts);
        if bytes > self.bytes {
            return Err(ModelError::new(ModelErrorKind::ContextOverflow, "too long"));
        }
        let answer = if request.prompt.is_empty() {
            "the answer"
        } else {
            "the gist"
        };
        let end = ModelEvent::Finished {
            reason: FinishReason::Stop,
            provider: None,
        };
        Ok(stream::iter([ModelEvent::Text(answer.to_owned()), end].map(Ok)).boxed())
    }
}

/// Ten messages of a hundred bytes, which begin with their number.
fn said() -> Vec<String> {
    (0..10).map(|n| format!("{n}{}", "x".repeat(99))).collect()
}

async fn life(policy: &str, model: &Small) -> Vec<Event> {
    let persona = json!({"on_overflow": policy});
    let routes = vec![route("r", |_| {})];
    life_as(
        &persona,
        said(),
        EngineConfig::default(),
        model.clone(),
        routes,
    )
    .await
}

fn types(log: &[Event]) -> Vec<&str> {
    log.iter().map(|event| event.body.event_type()).collect()
}

fn begins(texts: &[String]) -> String {
    texts.iter().map(|text| &text[..1]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_turns_are_dropped_once() {
    let model = Small::new(600);
    let log = life("drop", &model).await;
    let started = ["run.started", "step.started"];
    let dropped = ["history.compacted", "step.retried", "step.started"];
    let done = ["message.delta", "step.completed", "run.completed"];
    assert_eq!(types(&log), [&started[..], &dropped, &done].concat());
    let asked = model.asked.lock().unwrap();
    let asked: Vec<_> = asked.iter().map(|texts| begins(texts)).collect();
    assert_eq!(asked, ["0123456789", "56789"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_even_then_fails_clearly() {
    let log = life("drop", &Small::new(300)).await;
    let Some(EventBody::RunFailed(failed)) = log.last().map(|event| &event.body) else {
        panic!("{:?}", types(&log))
    };
    assert_eq!(failed.error_class, "provider.context_overflow");
    let compacted = types(&log)
        .iter()
        .filter(|t| **t == "history.compacted")
        .count();
    assert_eq!(compacted, 1);
    let log = life("fail", &Small::new(600)).await;
    assert_eq!(types(&log), ["run.started", "step.started", "run.failed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_turns_are_summarised_by_the_model() {
    let model = Small::new(600);
    let log = life("summarise", &model).await;
    let started = ["run.started", "step.started"];
    let made = [
        "history.compacted",
        "step.retried",
        "step.started",
        "history.summarised",
    ];
    let done = [
        "step.started",
        "message.delta",
        "step.completed",
        "run.completed",
    ];
    assert_eq!(types(&log), [&started[..], &made, &done].concat());
    let asked = model.asked.lock().unwrap();
    let [_, summary, last] = &asked[..] else {
        panic!("{} calls", asked.len())
    };
    let lines: Vec<_> = summary[0].lines().map(|line| &line[..7]).collect();
    assert_eq!(
        lines,
        ["user: 0", "user: 1", "user: 2", "user: 3", "user: 4"]
    );
    assert!(last[0].ends_with("\nthe gist"), "{}", last[0]);
    assert_eq!(begins(&last[1..]), "56789");
    let in_log = log
        .iter()
        .any(|event| format!("{:?}", event.body).contains("the gist"));
    assert!(!in_log, "the summary is no answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_summary_they_are_dropped() {
    // The summary itself is too long to be made, what is left isn't.
    let model = Small::new(510);
    let log = life("summarise", &model).await;
    let last = types(&log);
    assert_eq!(last.last(), Some(&"run.completed"), "{last:?}");
    assert!(!last.contains(&"history.summarised"));
}
