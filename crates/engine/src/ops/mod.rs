//! What people ask of runs. Each runs its writes in a task of its own, so that dropping the
//! future never leaves one half done.

mod allowance;
mod cancel;
mod choose;
mod configure;
mod input;
mod prompt;
pub(crate) mod start;
mod tools;
mod watch;

pub(crate) use tools::names;
