//! Text that PostgreSQL can't store and SQLite should not: the character NUL.

use runloom_domain::MessageBody;
use runloom_store::{Change, Projection};

/// Why a change can't be stored, found without asking the database.
pub(crate) fn invalid_text(change: &Change) -> Option<String> {
    let mut events = change.events.iter();
    let in_events = events.any(|event| {
        has_nul(&event.event_type)
            || has_nul(&event.data)
            || event.private.as_deref().is_some_and(has_nul)
    });
    let bad = in_events || change.projection.as_deref().is_some_and(in_projection);
    bad.then(|| "text holds the character NUL".to_owned())
}

fn in_projection(projection: &Projection) -> bool {
    let message = |body: &MessageBody| {
        has_nul(body.content())
            || matches!(body, MessageBody::Tool { tool_name, .. } if has_nul(tool_name))
    };
    projection.messages.iter().any(|m| message(&m.body))
        || projection
            .outputs
            .iter()
            .any(|output| has_nul(&output.content))
}

fn has_nul(text: &str) -> bool {
    text.as_bytes().contains(&0)
}
