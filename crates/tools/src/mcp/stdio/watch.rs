//! What ends a server when this process can't: a shell that waits for our end of a pipe to
//! close, which the kernel does however we end.

use std::process::Stdio;

use rustix::process::Pid;
use tokio::process::{Child, Command};

/// The script is ours, whole; nothing of a server's description gets into it.
const SCRIPT: &str = r#"read -r _; kill -s KILL -- "-$1""#;

/// Starts watching over a process group. Without a shell there is no watching, and servers then
/// end by themselves when their standard input closes, as they should.
pub(super) fn over(group: Pid) -> Option<Child> {
    let started = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh", &group.as_raw_pid().to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Of its own, so that what ends us at a terminal doesn't end it first.
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    started
        .inspect_err(|error| tracing::debug!(%error, "nothing watches over a server of tools"))
        .ok()
}

/// Stops watching. Comes after the group's end, since closing the pipe would kill the group.
pub(super) async fn end(watcher: Option<Child>) {
    if let Some(mut watcher) = watcher
        && let Err(error) = watcher.kill().await
    {
        tracing::debug!(%error, "can't end what watched over a server of tools");
    }
}
