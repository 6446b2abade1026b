//! One binary for all tests from the outside, one folder for each concern.

mod events;
mod idempotency;
mod lists;
mod messages;
mod runs;
mod threads;
