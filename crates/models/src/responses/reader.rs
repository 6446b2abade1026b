//! Reads the events of one answer.

use runloom_domain::event::FinishReason;
use runloom_engine::port::model::ModelError;
use serde_json::{Map, Value, json};

use super::event::{Event, Item, Response};
use super::usage;
use crate::answer::{Answer, Reader, parsed};
use crate::calls::CallPart;
use crate::frames::Frame;
use crate::opaque;

/// Encrypted reasoning, which the provider reads again in the next step.
pub(super) const REASONING: &str = "encrypted_reasoning";

#[derive(Debug, Default)]
pub(super) struct ResponsesReader {
    reasoning: Vec<String>,
    reasoning_bytes: usize,
    has_items: bool,
}

impl Reader for ResponsesReader {
    fn take(&mut self, frame: &Frame, answer: &mut Answer) -> Result<(), ModelError> {
        if frame.data.trim() == "[DONE]" {
            answer.done();
            return Ok(());
        }
        if frame.event == "error" {
            return Err(answer.reported(&parsed(frame)?));
        }
        match parsed(frame)? {
            Event::Text { delta } => answer.text(delta),
            Event::Reasoning { delta } => answer.reasoning(delta),
            Event::ItemDone { item } => {
                self.has_items = true;
                self.item(item, answer)?;
            }
            Event::End { response } => self.end(response, answer)?,
            Event::Failed { response } => return Err(answer.reported(&response)),
            Event::Error => return Err(answer.reported(&parsed(frame)?)),
            Event::Other => {}
        }
        Ok(())
    }

    fn opaque(&mut self) -> Map<String, Value> {
        let mut parts = Map::new();
        if !self.reasoning.is_empty() && self.reasoning_bytes <= opaque::MAX_BYTES {
            parts.insert(REASONING.into(), json!(self.reasoning));
        }
        parts
    }
}

impl ResponsesReader {
    fn item(&mut self, item: Item, answer: &mut Answer) -> Result<(), ModelError> {
        match item {
            // The model was cut off in the middle of the call.
            Item::FunctionCall {
                status: Some(status),
                ..
            } if status == "incomplete" => Ok(()),
            Item::FunctionCall {
                call_id,
                name,
                arguments,
                ..
            } => answer.call(CallPart {
                index: Some(answer.calls() as u64),
                id: call_id.unwrap_or_default(),
                name: name.unwrap_or_default(),
                arguments,
            }),
            Item::Reasoning { encrypted_content } => {
                self.reasoning(encrypted_content.unwrap_or_default());
                Ok(())
            }
            Item::Other => Ok(()),
        }
    }

    fn reasoning(&mut self, encrypted: String) {
        self.reasoning_bytes += encrypted.len();
        if !encrypted.is_empty() && self.reasoning_bytes <= opaque::MAX_BYTES {
            self.reasoning.push(encrypted);
        }
    }

    fn end(&mut self, response: Response, answer: &mut Answer) -> Result<(), ModelError> {
        // Some servers list the calls here only.
        if !self.has_items {
            for item in response.output {
                self.item(item, answer)?;
            }
        }
        answer.usage(response.usage.as_ref().and_then(usage::read));
        let cut = response
            .incomplete_details
            .and_then(|details| details.reason);
        answer.finish(match cut.as_deref() {
            None => FinishReason::Stop,
            Some("max_output_tokens") => FinishReason::Length,
            Some("content_filter") => FinishReason::ContentFilter,
            Some(_) => FinishReason::Other,
        });
        answer.done();
        Ok(())
    }
}
