//! Standard output, which is for people who start the server; logs go to standard error.

use std::io::Write as _;
use std::io::{stderr, stdout};

/// Prints lines. That nobody reads them is no reason to stop.
pub(crate) fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Prints why the program ends, with its causes, in one line.
pub(crate) fn complain(error: &anyhow::Error) {
    let text = format!("{error:#}").replace('\n', " ");
    let _ = writeln!(stderr().lock(), "runloom: {text}");
}
