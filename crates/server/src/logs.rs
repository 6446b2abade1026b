//! Logs on standard error. The spans that engine and http open bring the ids of run, thread and
//! trace into every line.

use std::io::{IsTerminal as _, stderr};

use anyhow::{Context, Result, anyhow};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Config, LogFormat};

/// Sends this process's logs where the configuration says.
pub(crate) fn install(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log.filter)
        .with_context(|| format!("RUNLOOM_LOG={} is no filter", config.log.filter))?;
    let logs = fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    let installed = match config.log.format_in(config.mode) {
        LogFormat::Pretty => logs.try_init(),
        LogFormat::Json => logs
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    };
    installed.map_err(|error| anyhow!("can't set up logs: {error}"))
}
