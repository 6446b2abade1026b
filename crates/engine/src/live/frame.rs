use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use runloom_domain::event::push_event_json;
use runloom_domain::{EncodedEvent, EventBody};

/// One event as clients receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The event's seq.
    pub seq: u64,
    /// The event's type.
    pub event_type: Arc<str>,
    /// `id: <seq>`, `data: <one line of JSON>`, an empty line; LF only.
    pub bytes: Bytes,
}

impl Frame {
    /// Encodes an event whose seq is known; live and replayed events both pass here.
    pub(crate) fn encode(seq: u64, event: &EncodedEvent) -> Self {
        let mut text = String::with_capacity(event.data.len() + event.event_type.len() + 112);
        // Writing to a string cannot fail.
        let _ = write!(text, "id: {seq}\ndata: ");
        push_event_json(&mut text, seq, event);
        text.push_str("\n\n");
        Self {
            seq,
            event_type: event.event_type.as_str().into(),
            bytes: text.into(),
        }
    }

    /// Whether nothing follows.
    pub(crate) fn is_terminal(&self) -> bool {
        EventBody::is_terminal_type(&self.event_type)
    }
}
