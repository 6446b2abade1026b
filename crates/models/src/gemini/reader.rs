//! Reads the chunks of one answer.

use runloom_domain::Usage;
use runloom_engine::port::model::{ModelError, ModelErrorKind};
use serde_json::{Map, Value, json};

use super::chunk::{Candidate, Chunk, FunctionCall, Part};
use super::usage;
use crate::answer::{Answer, Reader, finish_reason, parsed};
use crate::calls::CallPart;
use crate::frames::Frame;
use crate::opaque;

/// The signature of each call, in the order of the calls; null for those without. The API
/// refuses a conversation in which the first of a step is missing.
pub(super) const SIGNATURES: &str = "thought_signatures";

/// What the model did wrong when its call could not be read; another try may do better.
const BAD_CALLS: [&str; 2] = ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"];

#[derive(Debug, Default)]
pub(super) struct GeminiReader {
    signatures: Vec<Option<String>>,
    signature_bytes: usize,
    /// The last credible figures. Before the end they count a part of the output only.
    usage: Option<Usage>,
}

impl Reader for GeminiReader {
    fn take(&mut self, frame: &Frame, answer: &mut Answer) -> Result<(), ModelError> {
        let chunk: Chunk = parsed(frame)?;
        if frame.event == "error" || chunk.error.is_some() {
            return Err(answer.reported(&parsed(frame)?));
        }
        if chunk
            .prompt_feedback
            .is_some_and(|own| own.block_reason.is_some())
        {
            return Err(blocked());
        }
        for candidate in chunk.candidates {
            self.candidate(candidate, answer)?;
        }
        let figures = chunk.usage_metadata.as_ref().and_then(usage::read);
        self.usage = figures.or(self.usage);
        if answer.is_whole() {
            answer.usage(self.usage);
        }
        Ok(())
    }

    fn opaque(&mut self) -> Map<String, Value> {
        let mut parts = Map::new();
        let any = self.signatures.iter().any(Option::is_some);
        if any && self.signature_bytes <= opaque::MAX_BYTES {
            parts.insert(SIGNATURES.into(), json!(self.signatures));
        }
        parts
    }
}

impl GeminiReader {
    fn candidate(&mut self, own: Candidate, answer: &mut Answer) -> Result<(), ModelError> {
        // One answer is asked for; others could only be mistakes.
        if own.index.unwrap_or(0) > 0 {
            return Ok(());
        }
        for part in own.content.into_iter().flat_map(|content| content.parts) {
            self.part(part, answer)?;
        }
        match own.finish_reason {
            Some(reason) if BAD_CALLS.contains(&reason.as_str()) => Err(bad_call()),
            Some(reason) => {
                answer.finish(finish_reason(reason));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn part(&mut self, part: Part, answer: &mut Answer) -> Result<(), ModelError> {
        let text = part.text.unwrap_or_default();
        if part.thought {
            answer.reasoning(text);
        } else {
            answer.text(text);
        }
        match part.function_call {
            Some(call) => self.call(call, part.thought_signature, answer),
            None => Ok(()),
        }
    }

    fn call(
        &mut self,
        call: FunctionCall,
        signature: Option<String>,
        answer: &mut Answer,
    ) -> Result<(), ModelError> {
        answer.call(CallPart {
            index: Some(answer.calls() as u64),
            id: call.id.unwrap_or_default(),
            name: call.name.unwrap_or_default(),
            arguments: Value::Object(call.args.unwrap_or_default()).to_string(),
        })?;
        self.signature_bytes += signature.as_ref().map_or(0, String::len);
        let kept = signature.filter(|_| self.signature_bytes <= opaque::MAX_BYTES);
        self.signatures.push(kept);
        Ok(())
    }
}

fn blocked() -> ModelError {
    ModelError::new(
        ModelErrorKind::ContentFilter,
        "the provider refuses the prompt",
    )
}

fn bad_call() -> ModelError {
    ModelError::new(
        ModelErrorKind::Malformed,
        "the model made a tool call that the provider could not read",
    )
}
