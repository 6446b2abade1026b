//! The agent loop that Runloom serves and other services embed.

mod driver;
mod engine;
mod facade;
mod fault;
mod lease;
pub mod live;
mod machine;
mod ops;
pub mod port;
mod shared;
mod worker;
mod writer;

pub use engine::{Engine, EngineConfig, EngineParts};
pub use facade::{
    CancelError, GiveInput, InputError, StartError, StartRun, StartedRun, WatchError, WatchRun,
    WhenBusy,
};
