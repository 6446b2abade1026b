//! Servers that are reached by streamable HTTP, through the guarded client.

mod client;
mod token;

pub(super) use client::transport;
