//! Runs through the engine's public interface, with models that misbehave.

mod bench;
mod budget;
mod endless;
mod history;
mod long;
mod overflow;
mod standstill;
mod storm;
