//! The load as its parent sees it: a process that announces itself and prints a result.

use super::load::result::LoadResult;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A running load. Dropping it kills it.
pub(crate) struct LoadProcess {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl LoadProcess {
    /// Starts `binary bench-load` against a port of 127.0.0.1.
    pub(crate) fn start(
        binary: &Path,
        port: u16,
        key: &str,
        seconds: u64,
        load: &[String],
    ) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["bench-load", "--address", &format!("127.0.0.1:{port}")])
            .args(["--seconds", &seconds.to_string()])
            .args(load)
            .env("RUNLOOM_API_KEY", key)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("can't start the load")?;
        let output = child.stdout.take().context("the load has no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(output).lines(),
        })
    }

    /// Waits for a line that the load announces a phase with.
    pub(crate) async fn announced(&mut self, phase: &str) -> Result<()> {
        let line = self
            .lines
            .next_line()
            .await
            .context("can't hear the load")?;
        match line {
            Some(line) if line == phase => Ok(()),
            Some(line) => bail!("the load said {line} instead of {phase}"),
            None => bail!("the load ended before `{phase}`"),
        }
    }

    /// Waits for the result and the end of the load.
    pub(crate) async fn result(mut self) -> Result<LoadResult> {
        let line = self
            .lines
            .next_line()
            .await
            .context("can't hear the load")?;
        let status = self.child.wait().await.context("can't wait for the load")?;
        let line = line.unwrap_or_default();
        ensure!(status.success(), "the load failed: {status}: {line}");
        serde_json::from_str(&line).with_context(|| format!("no result: {line}"))
    }
}
