use anyhow::{Result, ensure};
use runloom_domain::CreditRate;
use runloom_engine::EngineConfig;
use runloom_store::LiveLimits;
use serde::Deserialize;

use super::Environment;

/// `[engine]`: how much this node does at once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// `RUNLOOM_MAX_RUNS`: runs that this node works on at once; more wait in the database.
    /// Default 10,000.
    pub max_runs: usize,
    /// `RUNLOOM_MAX_LIVE_RUNS_PER_ORG`: live runs that an organisation may have at once;
    /// 0, the default, sets no limit.
    pub max_live_runs_per_org: u32,
    /// `RUNLOOM_MAX_LIVE_RUNS_PER_USER`: the same of one person in it, with all of their keys;
    /// 0, the default, sets no limit.
    pub max_live_runs_per_user: u32,
    /// `RUNLOOM_MAX_LIVE_RUNS_PER_KEY`: the same with one API key; 0, the default, sets no limit.
    pub max_live_runs_per_key: u32,
    /// `RUNLOOM_MAX_QUEUED_PER_THREAD`: runs that may wait in one thread. Default 10.
    pub max_queued_per_thread: u32,
    /// `RUNLOOM_MAX_HISTORY`: messages of a thread that a model is shown at most. Default
    /// 2,000.
    pub max_history: u32,
    /// `RUNLOOM_MAX_HISTORY_BYTES`: bytes of those messages that a model is shown at most.
    /// Default 4 MiB.
    pub max_history_bytes: usize,
    /// `RUNLOOM_MAX_PARALLEL_TOOLS`: tool calls that one run may have under way at once. Default
    /// 8.
    pub max_parallel_tools: usize,
    /// `RUNLOOM_CREDITS_PER_DOLLAR`. Default 1,000.
    pub credits_per_dollar: u32,
}

impl Default for Engine {
    fn default() -> Self {
        let engine = EngineConfig::default();
        Self {
            max_runs: engine.max_runs,
            max_live_runs_per_org: 0,
            max_live_runs_per_user: 0,
            max_live_runs_per_key: 0,
            max_queued_per_thread: engine.max_queued_per_thread,
            max_history: engine.max_history,
            max_history_bytes: engine.max_history_bytes,
            max_parallel_tools: engine.max_parallel_tools,
            credits_per_dollar: engine.credit_rate.0,
        }
    }
}

impl Engine {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_MAX_RUNS", &mut self.max_runs)?;
        for (name, limit) in [
            (
                "RUNLOOM_MAX_LIVE_RUNS_PER_ORG",
                &mut self.max_live_runs_per_org,
            ),
            (
                "RUNLOOM_MAX_LIVE_RUNS_PER_USER",
                &mut self.max_live_runs_per_user,
            ),
            (
                "RUNLOOM_MAX_LIVE_RUNS_PER_KEY",
                &mut self.max_live_runs_per_key,
            ),
        ] {
            environment.replace(name, limit)?;
        }
        environment.replace(
            "RUNLOOM_MAX_QUEUED_PER_THREAD",
            &mut self.max_queued_per_thread,
        )?;
        environment.replace("RUNLOOM_MAX_HISTORY", &mut self.max_history)?;
        environment.replace("RUNLOOM_MAX_HISTORY_BYTES", &mut self.max_history_bytes)?;
        environment.replace("RUNLOOM_MAX_PARALLEL_TOOLS", &mut self.max_parallel_tools)?;
        environment.replace("RUNLOOM_CREDITS_PER_DOLLAR", &mut self.credits_per_dollar)
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.max_runs > 0, "RUNLOOM_MAX_RUNS (engine.max_runs) is 0");
        ensure!(
            self.max_history > 0,
            "RUNLOOM_MAX_HISTORY (engine.max_history) is 0"
        );
        ensure!(
            self.max_parallel_tools > 0,
            "RUNLOOM_MAX_PARALLEL_TOOLS (engine.max_parallel_tools) is 0"
        );
        Ok(())
    }

    /// The same in the engine's own terms.
    pub fn to_config(&self) -> EngineConfig {
        let some = |limit: u32| (limit > 0).then_some(limit);
        EngineConfig {
            max_runs: self.max_runs,
            max_live_runs: LiveLimits {
                org: some(self.max_live_runs_per_org),
                user: some(self.max_live_runs_per_user),
                api_key: some(self.max_live_runs_per_key),
            },
            max_queued_per_thread: self.max_queued_per_thread,
            max_history: self.max_history,
            max_history_bytes: self.max_history_bytes,
            max_parallel_tools: self.max_parallel_tools,
            credit_rate: CreditRate(self.credits_per_dollar),
            ..EngineConfig::default()
        }
    }
}
