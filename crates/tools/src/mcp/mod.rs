//! Tools of servers that speak the Model Context Protocol.
//!
//! A [`Pool`] has one connection for each server and shares it between runs. What a server is
//! comes as an [`McpServerSpec`]; its tools are a [`Catalog`], and each becomes an [`McpTool`]
//! behind the engine's tool port.
//!
//! A server is somebody else's program. It may die, hang, lie, flood or grow without bounds, and
//! what it says goes to models and people. So everything of it has a bound, what breaks fails
//! its own calls alone, and its process ends with its connection.

mod asked;
mod backoff;
mod call;
mod calls;
mod catalog;
mod changes;
mod class;
mod connection;
mod deadline;
mod error;
mod fault;
mod handler;
mod http;
mod in_flight;
mod names;
mod news;
mod pace;
mod parked;
mod pool;
mod render;
mod schema;
mod server;
mod spec;
mod state;
mod stdio;
mod tool;

pub use crate::secret::Secret;
pub use catalog::{Catalog, McpToolInfo};
pub use error::McpError;
pub use pool::{McpServer, Pool, PoolOptions};
pub use spec::{Auth, Limits, McpServerSpec, Protocol, Stdio, Transport};
pub use tool::McpTool;
