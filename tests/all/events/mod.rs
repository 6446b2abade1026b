//! The event table and the event stream.

mod cursors;
mod data;
mod resume;
mod slow;
mod stream;
mod tickets;
