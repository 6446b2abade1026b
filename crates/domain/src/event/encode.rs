use std::fmt::Write as _;

use super::EncodedEvent;

/// Appends the one line of JSON that clients see:
/// `{"seq":…,"type":…,"data":…,"created_at":…}`. Live and replayed events both pass here,
/// and the data's text is copied as it is, so the two can't differ.
pub fn push_event_json(out: &mut String, seq: u64, event: &EncodedEvent) {
    out.reserve(event.data.len() + event.event_type.len() + 80);
    // Type names hold no character that JSON escapes, and writing to a string cannot fail.
    let _ = write!(
        out,
        "{{\"seq\":{seq},\"type\":\"{}\",\"data\":{},\"created_at\":\"{}\"}}",
        event.event_type, event.data, event.created_at
    );
}

/// The same as a string of its own.
pub fn event_json(seq: u64, event: &EncodedEvent) -> String {
    let mut out = String::new();
    push_event_json(&mut out, seq, event);
    out
}
