//! How much those who use the API may do, and what browsers may do with it.

mod bodies;
mod browsers;
mod kept;
mod requests;
mod streams;
