//! Thinking blocks, which go back as they came: the API checks their signatures.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::opaque;

/// The blocks, in order.
pub(super) const BLOCKS: &str = "thinking_blocks";

#[derive(Debug, Default)]
pub(super) struct Thinking {
    /// By their place in the answer.
    blocks: BTreeMap<u64, Block>,
    bytes: usize,
}

#[derive(Debug)]
enum Block {
    Signed { text: String, signature: String },
    Redacted { data: String },
}

impl Thinking {
    pub(super) fn text(&mut self, index: u64, more: &str) {
        self.bytes += more.len();
        if let Some(Block::Signed { text, .. }) = self.block(index) {
            text.push_str(more);
        }
    }

    pub(super) fn signature(&mut self, index: u64, more: &str) {
        self.bytes += more.len();
        if let Some(Block::Signed { signature, .. }) = self.block(index) {
            signature.push_str(more);
        }
    }

    pub(super) fn redacted(&mut self, index: u64, data: String) {
        self.bytes += data.len();
        if self.is_kept() {
            self.blocks.insert(index, Block::Redacted { data });
        }
    }

    /// What goes back; nothing when it is too large, for a part of it would be refused.
    pub(super) fn take(&mut self) -> Map<String, Value> {
        let blocks: Vec<Value> = std::mem::take(&mut self.blocks)
            .into_values()
            .filter_map(Block::into_json)
            .collect();
        let mut parts = Map::new();
        if self.is_kept() && !blocks.is_empty() {
            parts.insert(BLOCKS.into(), json!(blocks));
        }
        parts
    }

    /// The block of that index, unless there is too much already.
    fn block(&mut self, index: u64) -> Option<&mut Block> {
        // An empty piece of a new block takes memory too.
        self.bytes += 1;
        if !self.is_kept() {
            return None;
        }
        Some(self.blocks.entry(index).or_insert_with(|| Block::Signed {
            text: String::new(),
            signature: String::new(),
        }))
    }

    const fn is_kept(&self) -> bool {
        self.bytes <= opaque::MAX_BYTES
    }
}

impl Block {
    /// A block without a signature isn't taken back.
    fn into_json(self) -> Option<Value> {
        match self {
            Self::Signed { text, signature } => (!signature.is_empty())
                .then(|| json!({"type": "thinking", "thinking": text, "signature": signature})),
            Self::Redacted { data } => Some(json!({"type": "redacted_thinking", "data": data})),
        }
    }
}
