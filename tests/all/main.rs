//! One binary for all tests from the outside, one folder for each concern.

mod cancel;
mod events;
mod idempotency;
mod input;
mod lists;
mod messages;
mod runs;
mod threads;
