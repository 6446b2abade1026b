use anyhow::{Result, anyhow};
use runloom_net::guard::{IpNet, Policy};
use serde::Deserialize;

use super::Environment;

/// `[net]`: what the server may reach for those who use it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Net {
    /// `RUNLOOM_NET_ALLOW`, with commas between: ranges of addresses such as `10.0.0.0/8` that
    /// URLs of organisations may lead to, beside the internet. Default none, in development
    /// mode too: what works there must not fail in production for a reason that nobody saw
    /// coming, and the error names this setting. URLs of this configuration reach everything.
    pub allow: Vec<IpNet>,
    /// `RUNLOOM_HTTP_REQUEST_ALLOW`, with commas between: hosts that the tool `http_request` may
    /// reach, such as `api.example.com`, `*.example.org`, or `*` for all of the internet. Default
    /// none: then there is no such tool.
    pub http_request_allow: Vec<String>,
}

impl Net {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        ranges(environment, "RUNLOOM_NET_ALLOW", &mut self.allow)?;
        if let Some(text) = environment.text("RUNLOOM_HTTP_REQUEST_ALLOW") {
            let hosts = text.split(',').map(|host| host.trim().to_ascii_lowercase());
            self.http_request_allow = hosts.collect();
        }
        Ok(())
    }

    /// The same in the terms of whoever makes connections.
    pub fn to_policy(&self) -> Policy {
        Policy::allowing(self.allow.clone())
    }
}

/// Replaces `target` by the ranges of addresses in a variable, if it is there.
pub(super) fn ranges(
    environment: &mut Environment,
    name: &str,
    target: &mut Vec<IpNet>,
) -> Result<()> {
    if let Some(text) = environment.text(name) {
        let ranges = text.split(',').map(|range| {
            let range = range.trim();
            let read = range.parse();
            read.map_err(|_| anyhow!("{name}: {range:?} is no range such as 10.0.0.0/8"))
        });
        *target = ranges.collect::<Result<_>>()?;
    }
    Ok(())
}
