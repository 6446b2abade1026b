//! Following runs.

use bytes::Bytes;
use runloom_store::StoreError;

/// One event as clients receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The event's seq.
    pub seq: u64,
    /// The event's type.
    pub event_type: std::sync::Arc<str>,
    /// `id: <seq>`, `data: <one line of JSON>`, an empty line; LF only.
    pub bytes: Bytes,
}

/// A position in a run's log.
pub struct Watch {
    _private: (),
}

impl Watch {
    /// The next event; `None` after the terminal one, or at the present end when not
    /// following. Cancel safe: dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Result<Frame, StoreError>> {
        unimplemented!()
    }
}
