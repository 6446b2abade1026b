//! Text that PostgreSQL can't store and SQLite must not: the character NUL.

use runloom_domain::{EncodedEvent, MessageBody};
use runloom_store::{Projection, StoreError};

/// Refuses texts that can't be stored, before a database is asked.
pub(crate) fn storable<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(), StoreError> {
    if texts.into_iter().any(has_nul) {
        return Err(StoreError::Rejected("text holds the character NUL".into()));
    }
    Ok(())
}

/// Refuses events and what follows from them for their text.
pub(crate) fn storable_change(
    events: &[EncodedEvent],
    projection: Option<&Projection>,
) -> Result<(), StoreError> {
    storable(events.iter().flat_map(of_event))?;
    projection.map_or(Ok(()), |projection| storable(of_projection(projection)))
}

fn of_event(event: &EncodedEvent) -> impl Iterator<Item = &str> {
    [event.event_type.as_str(), event.data.as_str()]
        .into_iter()
        .chain(event.private.as_deref())
}

fn of_projection(projection: &Projection) -> impl Iterator<Item = &str> {
    let said = projection.messages.iter().flat_map(|m| of_body(&m.body));
    let calls = projection
        .calls
        .iter()
        .flat_map(|c| [c.route_id.as_str(), c.model.as_str()]);
    let outputs = projection.outputs.iter().map(|o| o.content.as_str());
    let end = projection.end.iter().flat_map(|end| {
        let class = end.error_class.as_deref();
        class.into_iter().chain(end.error_message.as_deref())
    });
    said.chain(calls).chain(outputs).chain(end)
}

fn of_body(body: &MessageBody) -> impl Iterator<Item = &str> {
    let tool = match body {
        MessageBody::Tool { tool_name, .. } => Some(tool_name.as_str()),
        MessageBody::User { .. } | MessageBody::Assistant { .. } => None,
    };
    tool.into_iter().chain([body.content()])
}

fn has_nul(text: &str) -> bool {
    text.as_bytes().contains(&0)
}
