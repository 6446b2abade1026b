//! Two versions on one database: what the later one does is played by SQL.

mod events;
mod schema;
mod together;
