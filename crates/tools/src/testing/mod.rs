//! Tools for tests of the engine and of crashes; never part of a release.
//!
//! `sleep` takes time, `block` takes it without letting go, `repeat` has results of any size,
//! `staged` reports, rests and asks. `effect_once`, `effect_keyed` and `effect_pure` have an effect
//! that can be counted from outside: each call appends a line with its effect key to a ledger file.

mod block;
mod effect;
mod repeat;
mod sleep;
mod staged;

use std::path::PathBuf;

use runloom_engine::port::tool::ToolBox;

pub use block::Block;
pub use effect::Effect;
pub use repeat::Repeat;
pub use sleep::Sleep;
pub use staged::Staged;

/// Adds the tools of this module; the effects go into `ledger`, one line each.
#[must_use]
pub fn with_test_tools(tools: ToolBox, ledger: PathBuf) -> ToolBox {
    tools
        .with(Sleep)
        .with(Block)
        .with(Repeat)
        .with(Staged)
        .with(Effect::once(ledger.clone()))
        .with(Effect::pure(ledger.clone()))
        .with(Effect::keyed(ledger))
}
