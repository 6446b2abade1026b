//! Reads the events of one answer.

use runloom_engine::port::model::ModelError;
use serde_json::{Map, Value};

use super::event::{Block, Delta, Event};
use super::thinking::Thinking;
use super::usage;
use crate::answer::{Answer, Reader, finish_reason, parsed};
use crate::calls::CallPart;
use crate::frames::Frame;

#[derive(Debug, Default)]
pub(super) struct AnthropicReader {
    thinking: Thinking,
    /// The counts so far: some come at the start, some at the end, and later ones replace
    /// earlier ones.
    usage: Map<String, Value>,
}

impl Reader for AnthropicReader {
    fn take(&mut self, frame: &Frame, answer: &mut Answer) -> Result<(), ModelError> {
        if frame.event == "error" {
            return Err(answer.reported(&parsed(frame)?));
        }
        match parsed(frame)? {
            Event::MessageStart { message } => {
                self.count(message.usage);
                // That of the output is only a beginning.
                self.usage.shift_remove("output_tokens");
            }
            Event::ContentBlockStart {
                index,
                content_block,
            } => self.block(index, content_block, answer)?,
            Event::ContentBlockDelta { index, delta } => self.delta(index, delta, answer)?,
            Event::MessageDelta { delta, usage } => {
                self.count(usage);
                // Only now do the counts include the output.
                answer.usage(usage::read(&self.usage));
                if let Some(reason) = delta.stop_reason {
                    answer.finish(finish_reason(reason));
                }
            }
            Event::MessageStop => answer.done(),
            Event::Error => return Err(answer.reported(&parsed(frame)?)),
            Event::Other => {}
        }
        Ok(())
    }

    fn opaque(&mut self) -> Map<String, Value> {
        self.thinking.take()
    }
}

impl AnthropicReader {
    fn count(&mut self, usage: Option<Map<String, Value>>) {
        self.usage
            .extend(usage::counts(usage.into_iter().flatten()));
    }

    fn block(&mut self, index: u64, block: Block, answer: &mut Answer) -> Result<(), ModelError> {
        match block {
            Block::Text { text } => answer.text(text),
            Block::Thinking {
                thinking,
                signature,
            } => {
                self.thinking.text(index, &thinking);
                self.thinking.signature(index, &signature);
                answer.reasoning(thinking);
            }
            Block::RedactedThinking { data } => self.thinking.redacted(index, data),
            Block::ToolUse { id, name, input } => answer.call(CallPart {
                index: Some(index),
                id: id.unwrap_or_default(),
                name: name.unwrap_or_default(),
                arguments: if input.is_empty() {
                    String::new()
                } else {
                    Value::Object(input).to_string()
                },
            })?,
            Block::Other => {}
        }
        Ok(())
    }

    fn delta(&mut self, index: u64, delta: Delta, answer: &mut Answer) -> Result<(), ModelError> {
        match delta {
            Delta::Text { text } => answer.text(text),
            Delta::Thinking { thinking } => {
                self.thinking.text(index, &thinking);
                answer.reasoning(thinking);
            }
            Delta::Signature { signature } => self.thinking.signature(index, &signature),
            Delta::Input { partial_json } => answer.call(CallPart {
                index: Some(index),
                arguments: partial_json,
                ..CallPart::default()
            })?,
            Delta::Other => {}
        }
        Ok(())
    }
}
