//! Runs through the engine's public interface, with models that misbehave.

mod bench;
mod endless;
mod history;
mod long;
mod standstill;
