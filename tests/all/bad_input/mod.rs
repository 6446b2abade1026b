//! Requests that no well-meaning client sends: each gets the envelope and the right status, and
//! nothing is written.

mod bodies;
mod connections;
mod fields;
mod paths;
