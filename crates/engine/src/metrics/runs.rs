use std::time::Duration;

use prometheus::{
    Histogram, IntCounter, IntCounterVec, IntGauge, Registry, histogram_opts,
    register_histogram_with_registry, register_int_counter_vec_with_registry,
    register_int_counter_with_registry, register_int_gauge_with_registry,
};
use runloom_domain::RunStatus;

use super::buckets::SHORT;

/// What becomes of runs on this node.
pub(crate) struct RunMetrics {
    owned: IntGauge,
    claim_seconds: Histogram,
    claimed: IntCounter,
    finished: IntCounterVec,
    retries: IntCounterVec,
    /// Freed because their owner's lease had ended.
    pub(crate) lost: IntCounter,
    /// Freed because they stood still on this node.
    pub(crate) stuck: IntCounter,
}

impl RunMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let by = |label, name, help| {
            register_int_counter_vec_with_registry!(name, help, &[label], registry)
        };
        let freed = by(
            "reason",
            "runloom_runs_freed_total",
            "Runs that this node took from an owner that couldn't go on, by reason.",
        )?;
        let finished = by(
            "status",
            "runloom_runs_finished_total",
            "Runs that ended on this node, by their last status.",
        )?;
        // A series that is there from the beginning shows its first increase.
        for status in RunStatus::ALL.into_iter().filter(|s| s.is_terminal()) {
            finished.with_label_values(&[status.as_str()]);
        }
        let claims = histogram_opts!(
            "runloom_claim_duration_seconds",
            "How long claims of due runs took.",
            SHORT.to_vec()
        );
        Ok(Self {
            owned: register_int_gauge_with_registry!(
                "runloom_runs_owned",
                "Runs that this node works on.",
                registry
            )?,
            claim_seconds: register_histogram_with_registry!(claims, registry)?,
            claimed: register_int_counter_with_registry!(
                "runloom_runs_claimed_total",
                "Due runs that were claimed.",
                registry
            )?,
            retries: by(
                "error_class",
                "runloom_step_retries_total",
                "Model calls that were tried again, by the class of what went wrong.",
            )?,
            lost: freed.with_label_values(&["lease_expired"]),
            stuck: freed.with_label_values(&["stood_still"]),
            finished,
        })
    }

    /// A claim has taken so many runs.
    pub(crate) fn claimed(&self, took: Duration, runs: usize) {
        self.claim_seconds.observe(took.as_secs_f64());
        self.claimed.inc_by(runs as u64);
    }

    pub(super) fn finished(&self, status: RunStatus) {
        self.finished.with_label_values(&[status.as_str()]).inc();
    }

    pub(super) fn retried(&self, error_class: &str) {
        self.retries.with_label_values(&[error_class]).inc();
    }

    pub(super) fn owned(&self, runs: usize) {
        self.owned.set(i64::try_from(runs).unwrap_or(i64::MAX));
    }
}
