//! Built-in tools behind the engine's tool port, and [tools of MCP servers](mcp).
//!
//! Each tool is a small type of its own that implements [`Tool`]; [`builtin`] has all of them.
//! Their names, descriptions and schemas are written so that small models can call them: few
//! properties, no nesting, and arguments that are taken in every form in which models write
//! them. The crate knows no storage, and a tool knows of its run only what [`ToolContext`]
//! tells.
//!
//! To add a tool: its file, a line in [`builtin`].
//!
//! [`ToolContext`]: runloom_engine::port::tool::ToolContext
//! [`Tool`]: runloom_engine::port::tool::Tool

mod arguments;
mod ask_user;
mod calculator;
mod current_time;
mod http_request;
pub mod http_tool;
pub mod mcp;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod testing_context;
#[cfg(test)]
mod testing_server;

use std::sync::Arc;

use runloom_domain::Clock;
use runloom_engine::port::tool::ToolBox;

pub use ask_user::AskUser;
pub use calculator::Calculator;
pub use current_time::CurrentTime;
pub use http_request::HttpRequest;
pub use secret::Secret;

/// The tools that every installation has: `current_time`, `calculator` and `ask_user`.
pub fn builtin(clock: Arc<dyn Clock>) -> ToolBox {
    ToolBox::default()
        .with(CurrentTime::new(clock))
        .with(Calculator)
        .with(AskUser)
}
