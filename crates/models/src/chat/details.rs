//! OpenRouter's reasoning blocks, signed or encrypted by the provider behind it, which go back
//! as they came.

use serde_json::{Map, Value, json};

use crate::opaque;

/// The blocks, in order.
pub(super) const DETAILS: &str = "reasoning_details";
/// Fields of a block that come in pieces. All others come whole.
const PIECES: [&str; 3] = ["text", "summary", "data"];

#[derive(Debug, Default)]
pub(super) struct Details {
    blocks: Vec<Map<String, Value>>,
    bytes: usize,
}

impl Details {
    /// Adds the pieces of a chunk.
    pub(super) fn add(&mut self, pieces: Option<Value>) {
        if let Some(Value::Array(pieces)) = pieces {
            for piece in pieces {
                self.piece(piece);
            }
        }
    }

    /// Adds a piece to the last block, or begins another.
    fn piece(&mut self, piece: Value) {
        self.bytes += piece.to_string().len();
        let Value::Object(piece) = piece else {
            return;
        };
        if self.bytes > opaque::MAX_BYTES {
            return;
        }
        match self.blocks.last_mut() {
            Some(last) if is_of(&piece, last) => extend(last, piece),
            _ => self.blocks.push(piece),
        }
    }

    /// What goes back; nothing when it is too large, for a part of it would be refused.
    pub(super) fn take(&mut self) -> Option<Value> {
        let kept = !self.blocks.is_empty() && self.bytes <= opaque::MAX_BYTES;
        kept.then(|| json!(std::mem::take(&mut self.blocks)))
    }
}

fn is_of(piece: &Map<String, Value>, block: &Map<String, Value>) -> bool {
    piece.get("type") == block.get("type") && piece.get("index") == block.get("index")
}

fn extend(block: &mut Map<String, Value>, piece: Map<String, Value>) {
    for (field, value) in piece {
        match (block.get_mut(&field), value) {
            (Some(Value::String(own)), Value::String(more)) if PIECES.contains(&field.as_str()) => {
                own.push_str(&more);
            }
            (Some(_), Value::Null) => {}
            (_, value) => {
                block.insert(field, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: Value) -> Option<Value> {
        let mut details = Details::default();
        details.add(Some(pieces));
        details.take()
    }

    #[test]
    fn pieces_of_a_block_are_joined() {
        let pieces = json!([
            {"type": "reasoning.text", "index": 0, "text": "a", "signature": null},
            {"type": "reasoning.text", "index": 0, "text": "b", "signature": null},
            {"type": "reasoning.text", "index": 0, "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "x", "id": "r"},
        ]);
        let blocks = json!([
            {"type": "reasoning.text", "index": 0, "text": "ab", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "x", "id": "r"},
        ]);
        assert_eq!(joined(pieces), Some(blocks));
    }

    #[test]
    fn too_much_is_not_kept() {
        let long = "x".repeat(opaque::MAX_BYTES / 2);
        let piece = json!({"type": "reasoning.text", "index": 0, "text": long});
        assert!(joined(json!([piece])).is_some());
        assert_eq!(joined(json!([piece, piece])), None);
        assert_eq!(joined(json!([])), None);
        assert_eq!(joined(json!("unknown")), None);
    }
}
