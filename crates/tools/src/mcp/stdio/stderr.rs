//! What servers write to their standard error: into our log, within bounds.

use tokio::process::ChildStderr;

use super::lines::{Lines, Read};
use crate::mcp::pace::Pace;

/// How many bytes of a line are shown.
const LONGEST: usize = 4 * 1024;

/// How many lines of one process are shown.
const SHOWN: usize = 1_000;

/// Reads to the end, so that the server never waits for us.
pub(super) async fn drain(server: String, stderr: ChildStderr) {
    let mut lines = Lines::new(stderr, LONGEST);
    let mut pace = Pace::new();
    let mut count = 0_usize;
    loop {
        pace.ready().await;
        match lines.read().await {
            Ok(Read::Whole) if count < SHOWN => {
                let line = String::from_utf8_lossy(lines.line());
                tracing::debug!(server, %line, "a server of tools writes");
            }
            Ok(Read::Whole | Read::TooLong) => {}
            Ok(Read::End) | Err(_) => return,
        }
        count += 1;
        if count == SHOWN {
            tracing::debug!(server, "a server of tools writes more than is shown");
        }
        pace.heard(lines.line().len());
        lines.clear();
    }
}
