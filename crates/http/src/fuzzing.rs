//! What the fuzz targets reach.

use crate::{page, v1};

/// Reads a cursor of a list and writes it again; `None` when it isn't one.
pub fn page_cursor(text: &str) -> Option<String> {
    page::decode(text).map(page::encode)
}

/// Reads the cursor of an event stream; `None` when it isn't one.
pub fn event_cursor(text: &str) -> Option<u64> {
    v1::runs::events::seq(text).ok()
}
