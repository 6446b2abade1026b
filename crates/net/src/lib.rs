//! Connections to servers of others. Nothing here knows what they are used for.
//!
//! [`guard`] makes HTTP clients for URLs that come from people who aren't trusted with the
//! network that the server stands in; [`nats`] carries text between nodes.

pub mod guard;
pub mod nats;
