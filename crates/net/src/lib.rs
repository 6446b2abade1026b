//! Connections to servers of others. Nothing here knows what they are used for.

pub mod nats;
