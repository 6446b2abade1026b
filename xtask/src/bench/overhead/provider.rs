//! A model provider that says as many words as the name of the model asks for, without a pause.

use super::WORDS;
use crate::mock::Mock;
use actix_web::web::{Bytes, Data, Json, JsonConfig};
use actix_web::{HttpResponse, post};
use anyhow::{Context as _, Result};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The provider; it stops when it is dropped.
pub(super) struct Provider(Mock);

impl Provider {
    pub(super) fn start() -> Result<Self> {
        let answers: BTreeMap<_, _> = WORDS.map(|words| (model(words), answer(words))).into();
        let answers = Data::new(answers);
        let server = Mock::start(move |services| {
            services
                .app_data(answers.clone())
                .app_data(JsonConfig::default().limit(1 << 20))
                .service(complete);
        });
        Ok(Self(server.context("no mock provider")?))
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.0.port)
    }
}

/// The model that says so many words.
pub(crate) fn model(words: u64) -> String {
    format!("words-{words}")
}

/// What is read of a request.
#[derive(Deserialize)]
struct Asked {
    model: String,
}

#[post("/v1/chat/completions")]
async fn complete(answers: Data<BTreeMap<String, Vec<Bytes>>>, asked: Json<Asked>) -> HttpResponse {
    let Some(answer) = answers.get(&asked.model) else {
        return HttpResponse::NotFound().finish();
    };
    let frames = answer.clone().into_iter().map(Ok::<_, std::io::Error>);
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(stream::iter(frames))
}

/// The frames of an answer: those deltas that the load expects, and what they used.
fn answer(words: u64) -> Vec<Bytes> {
    let choice = |delta: Value, finish: Option<&str>| {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
        frame(&choices, &Value::Null)
    };
    let usage = json!({ "prompt_tokens": 1_000, "completion_tokens": words,
        "total_tokens": 1_000 + words, "prompt_tokens_details": { "cached_tokens": 400 } });
    (0..words)
        .map(|word| choice(json!({ "content": format!("w{word:02} ") }), None))
        .chain([
            choice(json!({}), Some("stop")),
            frame(&json!([]), &usage),
            Bytes::from_static(b"data: [DONE]\n\n"),
        ])
        .collect()
}

fn frame(choices: &Value, usage: &Value) -> Bytes {
    let frame = json!({ "id": "mock", "object": "chat.completion.chunk", "created": 1,
        "model": "mock-1", "choices": choices, "usage": usage });
    Bytes::from(format!("data: {frame}\n\n"))
}
