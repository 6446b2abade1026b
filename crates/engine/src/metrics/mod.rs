//! What the engine counts and times, for Prometheus.
//!
//! Most handles are taken once, when the engine starts; what has a label is looked up once for
//! a run's end or a model call, never for a delta. Label values are names that operators or
//! this code choose, never ids. `docs/metrics.md` lists all of it.

mod buckets;
mod census;
mod log;
mod models;
mod node;
mod runs;

use prometheus::Registry;
use prometheus::proto::MetricFamily;
use runloom_domain::{EventBody, NewEvent};
use runloom_store::Projection;

use crate::Engine;
use census::CensusTaker;
use log::LogMetrics;
use models::ModelMetrics;
use node::NodeMetrics;
use runs::RunMetrics;

/// The handles of one engine.
pub(crate) struct Metrics {
    registry: Registry,
    census: CensusTaker,
    pub(crate) log: LogMetrics,
    pub(crate) models: ModelMetrics,
    pub(crate) node: NodeMetrics,
    pub(crate) runs: RunMetrics,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self::in_registry(Registry::new()).expect("the names are valid, and each is given once")
    }

    fn in_registry(registry: Registry) -> prometheus::Result<Self> {
        Ok(Self {
            census: CensusTaker::new()?,
            log: LogMetrics::new(&registry)?,
            models: ModelMetrics::new(&registry)?,
            node: NodeMetrics::new(&registry)?,
            runs: RunMetrics::new(&registry)?,
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
            self.runs.finished(status);
        }
    }

    /// What a committed event says that isn't in the projection.
    pub(crate) fn event(&self, event: &NewEvent) {
        if let EventBody::StepRetried(retried) = &event.body {
            self.runs.retried(&retried.error_class);
        }
    }
}

impl Engine {
    /// What the engine has counted and timed, to be shown to Prometheus with what the host
    /// measures itself. Asks the store how all runs stand, at most every few seconds and for at
    /// most two; without an answer those families are absent. Dropping the future is harmless.
    pub async fn metrics(&self) -> Vec<MetricFamily> {
        let (metrics, parts) = (&self.shared.metrics, &self.shared.parts);
        metrics.runs.owned(self.worker.run_count());
        let count_dropped = || {
            let dropped = parts
                .signals
                .as_ref()
                .map_or(0, |signals| signals.dropped());
            metrics.node.dropped(dropped);
        };
        let mut families = metrics.census.gather(&*parts.store, count_dropped).await;
        families.extend(metrics.registry.gather());
        families
    }
}
