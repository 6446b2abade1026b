use std::str::FromStr;

use anyhow::Result;
use serde::Deserialize;

use super::{Environment, Mode};

/// `[log]`: what goes to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `RUNLOOM_LOG`: a filter such as `info` or `warn,runloom_engine=debug`. Default
    /// `info,actix_server=warn,async_nats=warn,rmcp=warn`.
    pub filter: String,
    /// `RUNLOOM_LOG_FORMAT`: `json` or `pretty`. By default `json` in production and
    /// `pretty` in development.
    pub format: Option<LogFormat>,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err("neither json nor pretty"),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info,actix_server=warn,async_nats=warn,rmcp=warn".to_owned(),
            format: None,
        }
    }
}

impl Log {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_LOG", &mut self.filter)?;
        if let Some(format) = environment.parsed("RUNLOOM_LOG_FORMAT")? {
            self.format = Some(format);
        }
        Ok(())
    }

    /// The format that holds in `mode`.
    pub fn format_in(&self, mode: Mode) -> LogFormat {
        self.format.unwrap_or(match mode {
            Mode::Development => LogFormat::Pretty,
            Mode::Production => LogFormat::Json,
        })
    }
}
