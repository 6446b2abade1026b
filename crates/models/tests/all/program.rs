//! Servers that nobody here wrote, started for a test.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// The value of a variable that says where a part is.
pub(crate) fn variable(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| {
        panic!("{name} is not set; `cargo xtask test` fetches the part and sets it")
    })
}

/// A server on the loopback interface; ended when dropped.
pub(crate) struct Program {
    /// Where it listens, such as `http://127.0.0.1:1234`.
    pub(crate) url: String,
    _child: Child,
}

impl Program {
    /// Starts what `command` makes of a free port, and waits until it listens.
    pub(crate) async fn start(command: impl FnOnce(u16) -> Command) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut command = command(port);
        command
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), listens)
            .await
            .expect("the server listens within half a minute");
        Self {
            url: format!("http://127.0.0.1:{port}"),
            _child: child,
        }
    }
}
