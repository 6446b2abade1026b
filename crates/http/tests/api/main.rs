//! The API over real connections, with an in-memory store and a model that does as it is told.

mod accounts;
mod bad_requests;
mod children;
mod client;
mod documents;
mod events;
mod idempotency;
mod messages;
mod model;
mod runs;
mod server;
mod threads;
