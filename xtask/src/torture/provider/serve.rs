//! The chat completions API, as much of it as a server needs that streams.

use super::Ledger;
use super::script::{Failure, Script, Step, find_fault};
use actix_web::web::{Bytes, Data, Json, JsonConfig, PayloadConfig, ServiceConfig};
use actix_web::{HttpResponse, post};
use futures_util::stream;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What it answers.
pub(super) fn services(ledger: &Arc<Ledger>, services: &mut ServiceConfig) {
    services
        .app_data(Data::from(Arc::clone(ledger)))
        .app_data(PayloadConfig::new(64 << 20))
        .app_data(JsonConfig::default().limit(64 << 20))
        .service(complete);
}

#[post("/v1/chat/completions")]
async fn complete(ledger: Data<Ledger>, request: Json<Value>) -> HttpResponse {
    let messages = request["messages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let Some((script, step)) = Script::from_history(messages) else {
        return HttpResponse::BadRequest().json(json!({ "error": { "message": "no script" } }));
    };
    let (index, tries) = ledger.begin(&script, step, find_fault(messages));
    let planned = script.steps.get(step as usize - 1).cloned();
    let planned = planned.unwrap_or_default();
    let cut = match planned.failures.get(tries) {
        Some(Failure::Status(status)) => return refuse(*status),
        Some(Failure::CutAfter(deltas)) => Some(*deltas),
        None => None,
    };
    let answer = Answer {
        call: Call {
            ledger: ledger.into_inner(),
            index,
            done: false,
        },
        step: planned,
        cut,
        said: 0,
        part: Part::Text,
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Connection", "close"))
        .streaming(stream::unfold(answer, Answer::next))
}

fn refuse(status: u16) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status).json(json!({ "error": { "message": "the mock refuses" } }))
}

/// An answer under way. It is dropped when it has been sent, or when the other end has gone.
struct Answer {
    call: Call,
    step: Step,
    cut: Option<u64>,
    said: u64,
    part: Part,
}

/// What comes next.
enum Part {
    Text,
    Finish,
    Usage,
    Nothing,
}

struct Call {
    ledger: Arc<Ledger>,
    index: usize,
    done: bool,
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.done {
            self.ledger.note(self.index, |call| call.hung_up = true);
        }
    }
}

type Sent = Result<Bytes, std::io::Error>;

impl Answer {
    async fn next(mut self) -> Option<(Sent, Self)> {
        let text = match self.part {
            Part::Text if self.said < self.step.deltas => return self.say().await,
            Part::Text if !self.step.calls.is_empty() => {
                self.part = Part::Finish;
                self.calls()
            }
            Part::Text | Part::Finish => {
                let calls = !self.step.calls.is_empty();
                self.part = Part::Usage;
                let reason = if calls { "tool_calls" } else { "stop" };
                choice(&json!({}), Some(reason))
            }
            Part::Usage => {
                self.part = Part::Nothing;
                self.usage()
            }
            Part::Nothing => {
                self.call.done = true;
                return None;
            }
        };
        Some((Ok(Bytes::from(text)), self))
    }

    async fn say(mut self) -> Option<(Sent, Self)> {
        if self.cut.is_some_and(|cut| self.said >= cut) {
            self.call.done = true;
            self.part = Part::Nothing;
            let cut = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
            return Some((Err(cut), self));
        }
        if self.step.every_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.step.every_ms)).await;
        }
        self.said += 1;
        let word = json!({ "role": "assistant", "content": format!("w{} ", self.said) });
        self.call
            .ledger
            .note(self.call.index, |call| call.deltas += 1);
        Some((Ok(Bytes::from(choice(&word, None))), self))
    }

    fn calls(&self) -> String {
        let calls = self.step.calls.iter().enumerate();
        let calls: Vec<Value> = calls
            .map(|(index, (tool, arguments))| {
                json!({
                    "index": index,
                    "id": format!("call_{}_{index}", self.call.index),
                    "type": "function",
                    "function": { "name": tool, "arguments": arguments.to_string() },
                })
            })
            .collect();
        choice(&json!({ "tool_calls": calls }), None)
    }

    /// The number of the call is its output, so that what is charged names what was called.
    fn usage(&self) -> String {
        let number = self.call.index as u64 + 1;
        self.call
            .ledger
            .note(self.call.index, |call| call.reported = true);
        let usage = json!({ "prompt_tokens": 100, "completion_tokens": number,
            "total_tokens": number + 100 });
        let chunk = chunk(&json!([]), &usage);
        format!("{chunk}data: [DONE]\n\n")
    }
}

fn choice(delta: &Value, finish: Option<&str>) -> String {
    let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    chunk(&choices, &Value::Null)
}

fn chunk(choices: &Value, usage: &Value) -> String {
    let mut chunk = json!({ "id": "mock", "object": "chat.completion.chunk", "created": 1,
        "model": "mock-1", "choices": choices });
    if !usage.is_null() {
        chunk["usage"] = usage.clone();
    }
    format!("data: {chunk}\n\n")
}
