//! What the engine counts and times, for Prometheus.
//!
//! Most handles are taken once, when the engine starts; what has a label is looked up once for
//! a run's end or a model call, never for a delta. Label values are names that operators or
//! this code choose, never ids. `docs/metrics.md` lists all of it.

mod buckets;
mod census;
mod models;

use std::sync::Arc;

use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, IntCounter, IntCounterVec, IntGauge, Registry, histogram_opts,
    register_histogram_with_registry, register_int_counter_vec_with_registry,
    register_int_counter_with_registry, register_int_gauge_with_registry,
};
use runloom_domain::{EventBody, NewEvent, RunStatus};
use runloom_store::{Projection, RunStore, Signals};

use crate::Engine;
use buckets::{COUNTS, SHORT};
use census::CensusTaker;
pub(crate) use models::ModelMetrics;

/// The handles of one engine.
pub(crate) struct Metrics {
    registry: Registry,
    census: CensusTaker,
    /// Model calls by route.
    pub(crate) models: ModelMetrics,
    /// How long commits of the writer take.
    pub(crate) append_seconds: Histogram,
    /// Changes in each of them.
    pub(crate) batch_changes: Histogram,
    /// Events in each of them.
    pub(crate) batch_events: Histogram,
    /// Commits that the database didn't take.
    pub(crate) append_failures: IntCounter,
    /// Appends of an owner that is none any more.
    pub(crate) fenced_writes: IntCounter,
    /// How long claims take.
    pub(crate) claim_seconds: Histogram,
    /// Runs that were claimed.
    pub(crate) runs_claimed: IntCounter,
    /// Runs freed because their owner's lease had ended.
    pub(crate) runs_lost: IntCounter,
    /// Runs freed because they stood still on this node.
    pub(crate) runs_stuck: IntCounter,
    /// Renewals of the lease that failed or weren't answered.
    pub(crate) renewal_failures: IntCounter,
    /// Leases that ended while this node was at work.
    pub(crate) lapses: IntCounter,
    /// Hints given to whoever carries them.
    pub(crate) hints_sent: IntCounter,
    /// Hints that came from other nodes.
    pub(crate) hints_received: IntCounter,
    hints_dropped: IntCounter,
    runs_owned: IntGauge,
    finished: IntCounterVec,
    retries: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self::in_registry(Registry::new()).expect("the names are valid, and each is given once")
    }

    fn in_registry(registry: Registry) -> prometheus::Result<Self> {
        let counter = |name, help| register_int_counter_with_registry!(name, help, registry);
        let histogram = |name, help, buckets: &[f64]| {
            let options = histogram_opts!(name, help, buckets.to_vec());
            register_histogram_with_registry!(options, registry)
        };
        let freed = register_int_counter_vec_with_registry!(
            "runloom_runs_freed_total",
            "Runs that this node took from an owner that couldn't go on, by reason.",
            &["reason"],
            registry
        )?;
        let finished = register_int_counter_vec_with_registry!(
            "runloom_runs_finished_total",
            "Runs that ended on this node, by their last status.",
            &["status"],
            registry
        )?;
        for status in RunStatus::ALL.into_iter().filter(|s| s.is_terminal()) {
            finished.with_label_values(&[status.as_str()]);
        }
        Ok(Self {
            census: CensusTaker::new()?,
            models: ModelMetrics::new(&registry)?,
            append_seconds: histogram(
                "runloom_append_duration_seconds",
                "How long the commits took in which runs append to their logs.",
                SHORT,
            )?,
            batch_changes: histogram(
                "runloom_append_batch_changes",
                "Runs that shared one commit.",
                COUNTS,
            )?,
            batch_events: histogram(
                "runloom_append_batch_events",
                "Events that shared one commit.",
                COUNTS,
            )?,
            append_failures: counter(
                "runloom_append_failures_total",
                "Commits that failed; what they hold is tried again.",
            )?,
            fenced_writes: counter(
                "runloom_fenced_writes_total",
                "Appends refused because the run had another owner, or had ended.",
            )?,
            claim_seconds: histogram(
                "runloom_claim_duration_seconds",
                "How long claims of due runs took.",
                SHORT,
            )?,
            runs_claimed: counter("runloom_runs_claimed_total", "Due runs that were claimed.")?,
            runs_lost: freed.with_label_values(&["lease_expired"]),
            runs_stuck: freed.with_label_values(&["stood_still"]),
            renewal_failures: counter(
                "runloom_lease_renewal_failures_total",
                "Renewals of this node's lease that failed or got no answer.",
            )?,
            lapses: counter(
                "runloom_lease_lapses_total",
                "Times that this node's lease ended under it, so that it dropped its runs.",
            )?,
            hints_sent: counter("runloom_hints_sent_total", "Hints to other nodes.")?,
            hints_received: counter("runloom_hints_received_total", "Hints from other nodes.")?,
            hints_dropped: counter(
                "runloom_hints_dropped_total",
                "Hints that couldn't be sent, or not be taken in, at once. They only hasten.",
            )?,
            runs_owned: register_int_gauge_with_registry!(
                "runloom_runs_owned",
                "Runs that this node works on.",
                registry
            )?,
            retries: register_int_counter_vec_with_registry!(
                "runloom_step_retries_total",
                "Model calls that were tried again, by the class of what went wrong.",
                &["error_class"],
                registry
            )?,
            finished,
            registry,
        })
    }

    /// What a committed change says besides its events.
    pub(crate) fn committed(&self, projection: Option<&Projection>) {
        let Some(projection) = projection else { return };
        for call in &projection.calls {
            self.models.charged(call);
        }
        if let Some(status) = projection.status.filter(|status| status.is_terminal()) {
            self.finished.with_label_values(&[status.as_str()]).inc();
        }
    }

    /// What a committed event says that isn't in the projection.
    pub(crate) fn event(&self, event: &NewEvent) {
        if let EventBody::StepRetried(retried) = &event.body {
            let class = retried.error_class.as_str();
            self.retries.with_label_values(&[class]).inc();
        }
    }

    /// All of it, with a census of all runs that is a few seconds old at most, if the store
    /// answers.
    async fn gather(
        &self,
        store: &dyn RunStore,
        signals: Option<&Arc<dyn Signals>>,
    ) -> Vec<MetricFamily> {
        let census = self.census.gather(store, || {
            // Only here, since who gathers at the same time must not count them twice.
            let dropped = signals.map_or(0, |signals| signals.dropped());
            let news = dropped.saturating_sub(self.hints_dropped.get());
            self.hints_dropped.inc_by(news);
        });
        let mut families = census.await;
        families.extend(self.registry.gather());
        families
    }
}

impl Engine {
    /// What the engine has counted and timed, to be shown to Prometheus with what the host
    /// measures itself. Asks the store how all runs stand, at most every few seconds and for at
    /// most two; without an answer those families are absent. Dropping the future is harmless.
    pub async fn metrics(&self) -> Vec<MetricFamily> {
        let shared = &self.shared;
        let owned = i64::try_from(self.worker.works_on_how_many());
        shared.metrics.runs_owned.set(owned.unwrap_or(i64::MAX));
        let signals = shared.parts.signals.as_ref();
        shared.metrics.gather(&*shared.parts.store, signals).await
    }
}
