//! Following runs.
//!
//! A watched run has one ring of its newest committed events, encoded once and shared by all
//! who watch. A watcher holds a position, not a backlog: it reads the store up to the present
//! end, then follows the ring, and goes back to the store when it has fallen behind.

mod frame;
mod ring;
mod watch;

pub use frame::Frame;
pub(crate) use ring::Rings;
pub use watch::Watch;
