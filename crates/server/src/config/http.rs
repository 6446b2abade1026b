use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use anyhow::Result;
use runloom_http::HttpSettings;
use serde::Deserialize;

use super::Environment;

/// `[http]`: how requests are taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// `RUNLOOM_HTTP_WORKERS`: threads that answer requests; 0, the default, takes as many as
    /// there are processors.
    pub workers: usize,
    /// `RUNLOOM_TRUST_TRACEPARENT`: 1 when what stands in front of the server is trusted to
    /// name traces by the header `traceparent`. Default 0.
    pub trust_traceparent: bool,
    /// `RUNLOOM_METRICS`: 0 takes the path `/metrics` away. Default 1.
    pub metrics: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            workers: 0,
            trust_traceparent: false,
            metrics: true,
        }
    }
}

impl Http {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_HTTP_WORKERS", &mut self.workers)?;
        environment.switch("RUNLOOM_TRUST_TRACEPARENT", &mut self.trust_traceparent)?;
        environment.switch("RUNLOOM_METRICS", &mut self.metrics)
    }

    /// The same in the API's own terms.
    pub fn to_settings(&self) -> HttpSettings {
        let processors = || available_parallelism().map_or(2, NonZeroUsize::get);
        HttpSettings {
            workers: match self.workers {
                0 => processors(),
                workers => workers,
            },
            trust_traceparent: self.trust_traceparent,
            ..HttpSettings::default()
        }
    }
}
