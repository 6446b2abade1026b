//! The agent loop that Runloom serves and other services embed.

mod engine;
mod facade;
pub mod live;
mod ops;
pub mod port;

pub use engine::{Engine, EngineConfig, EngineParts};
pub use facade::{
    CancelError, GiveInput, InputError, StartError, StartRun, StartedRun, WatchError, WatchRun,
    WhenBusy,
};
