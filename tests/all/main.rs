//! One binary for all tests from the outside, one folder for each concern.

mod bad_input;
mod cancel;
mod events;
mod idempotency;
mod input;
mod lists;
mod messages;
mod provider;
mod runs;
mod threads;
