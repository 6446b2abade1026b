use anyhow::{Result, ensure};
use runloom_domain::{Decimal, NanoUsd};
use runloom_engine::EngineConfig;
use runloom_http::HttpSettings;
use serde::Deserialize;

use super::Environment;

/// `[credits]`: whether runs need credits, and how much they reserve of credits and budgets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credits {
    /// `RUNLOOM_CREDITS_METERED`: 1 when a run needs credits of its organisation, unless that
    /// has a rule of its own. Default 0.
    pub metered: bool,
    /// `RUNLOOM_CREDITS_SELF_SERVICE`: 1 when the owner of an organisation may add credits to
    /// it. Default 0: whoever runs the server does, by `cargo xtask credits`.
    pub self_service: bool,
    /// `RUNLOOM_RESERVATION_USD`: the cost that a run without `max_cost_usd` reserves at a time,
    /// in dollars: as much as a step may cost. Default 0.25.
    pub reservation_usd: Decimal<9>,
    /// `RUNLOOM_RESERVATION_TOKENS`: tokens of input and output that a run reserves at a time:
    /// as many as a step may take. Default 200,000.
    pub reservation_tokens: u64,
}

impl Default for Credits {
    fn default() -> Self {
        let engine = EngineConfig::default();
        Self {
            metered: engine.metered,
            self_service: false,
            reservation_usd: Decimal::from_scaled(engine.reserve_cost.as_nanos().unsigned_abs()),
            reservation_tokens: engine.reserve_tokens,
        }
    }
}

impl Credits {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.switch("RUNLOOM_CREDITS_METERED", &mut self.metered)?;
        environment.switch("RUNLOOM_CREDITS_SELF_SERVICE", &mut self.self_service)?;
        environment.replace("RUNLOOM_RESERVATION_USD", &mut self.reservation_usd)?;
        environment.replace("RUNLOOM_RESERVATION_TOKENS", &mut self.reservation_tokens)
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.reservation_usd.scaled() > 0,
            "RUNLOOM_RESERVATION_USD (credits.reservation_usd) is 0"
        );
        ensure!(
            self.reservation_tokens > 0,
            "RUNLOOM_RESERVATION_TOKENS (credits.reservation_tokens) is 0"
        );
        Ok(())
    }

    /// The same as the engine takes it.
    pub fn tell_engine(&self, config: &mut EngineConfig) {
        let reserve = i64::try_from(self.reservation_usd.scaled()).unwrap_or(i64::MAX);
        config.metered = self.metered;
        config.reserve_cost = NanoUsd::from_nanos(reserve);
        config.reserve_tokens = self.reservation_tokens;
    }

    /// The same as the API takes it.
    pub fn tell_http(&self, settings: &mut HttpSettings) {
        settings.metered = self.metered;
        settings.self_service_credits = self.self_service;
    }
}
