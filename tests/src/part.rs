use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::soon;

/// A server that nobody here wrote, on a free port of this machine; dropping it ends it.
#[derive(Debug)]
pub struct Part {
    url: String,
    child: Child,
}

impl Part {
    /// Starts what `command` makes of the program that a variable names and of a port, and
    /// waits until it listens.
    pub async fn start(variable: &str, command: impl FnOnce(&str, u16) -> Command) -> Self {
        let program = std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set; `cargo xtask test` sets it"));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let child = command(&program, port)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        soon("the part", async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
        Self {
            url: format!("http://127.0.0.1:{port}"),
            child,
        }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(id).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("it runs");
    }
}
