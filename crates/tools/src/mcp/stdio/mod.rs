//! Servers that are processes of ours.
//!
//! A process gets a clean environment and a process group of its own, and ends with its
//! connection: politely at first (its standard input closes), then by SIGTERM, then by SIGKILL
//! to the group and to whatever else carries its mark.

mod kill;
mod lines;
mod process;
mod stderr;
mod transport;
mod watch;

pub(super) use process::{Pipes, Process, start};
pub(super) use transport::StdioTransport;
