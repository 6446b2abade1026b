use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use serde::Deserialize;

use super::Environment;

/// `[listen]`: where the server listens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// `RUNLOOM_LISTEN`: address and port; port 0 takes a free one, which the start-up lines
    /// then name. Default `127.0.0.1:8080`.
    pub address: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8080).into(),
        }
    }
}

impl Listen {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_LISTEN", &mut self.address)
    }
}
