use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, IntCounter, IntGauge, IntGaugeVec, Registry, register_gauge_with_registry,
    register_int_counter_with_registry, register_int_gauge_vec_with_registry,
    register_int_gauge_with_registry,
};
use runloom_domain::RunStatus;
use runloom_store::{Census, RunStore};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long a census is shown.
const KEPT: Duration = Duration::from_secs(5);

/// The share of its time that the store spends on them at most: a census of a million live runs
/// takes a second, and is then shown for longer.
const SHARE: u32 = 20;

/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes the census of all runs, and keeps it for a while.
pub(super) struct CensusTaker {
    /// What is shown only while there is a census.
    registry: Registry,
    runs: IntGaugeVec,
    oldest: Gauge,
    unleased: IntGauge,
    /// What is always shown.
    failures: (Registry, IntCounter),
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    until: Option<Instant>,
    is_known: bool,
}

impl CensusTaker {
    pub(super) fn new() -> prometheus::Result<Self> {
        let (registry, always) = (Registry::new(), Registry::new());
        Ok(Self {
            runs: register_int_gauge_vec_with_registry!(
                "runloom_runs",
                "Runs of the whole deployment that haven't ended, by status.",
                &["status"],
                registry
            )?,
            oldest: register_gauge_with_registry!(
                "runloom_queue_oldest_seconds",
                "How long the oldest due run of the deployment has waited for a claim.",
                registry
            )?,
            unleased: register_int_gauge_with_registry!(
                "runloom_runs_without_lease",
                "Runs of the deployment that no living node owns and none would look at.",
                registry
            )?,
            failures: {
                let counter = register_int_counter_with_registry!(
                    "runloom_census_failures_total",
                    "Times that the database didn't say how all runs stand.",
                    always
                )?;
                (always, counter)
            },
            registry,
            last: Mutex::default(),
        })
    }

    /// The families of a census that isn't old; calls `alone` while nobody else gathers.
    pub(super) async fn gather(
        &self,
        store: &dyn RunStore,
        alone: impl FnOnce(),
    ) -> Vec<MetricFamily> {
        let mut last = self.last.lock().await;
        alone();
        if last.until.is_none_or(|until| until <= Instant::now()) {
            let began = Instant::now();
            last.is_known = self.take(store).await;
            last.until = Some(Instant::now() + KEPT.max(began.elapsed() * SHARE));
        }
        let mut families = self.failures.0.gather();
        if last.is_known {
            families.extend(self.registry.gather());
        }
        families
    }

    async fn take(&self, store: &dyn RunStore) -> bool {
        match timeout(PATIENCE, store.census()).await {
            Ok(Ok(census)) => {
                self.show(&census);
                return true;
            }
            Ok(Err(error)) => tracing::warn!(%error, "there is no census of the runs"),
            Err(_) => tracing::warn!("the census of the runs takes too long"),
        }
        self.failures.1.inc();
        false
    }

    fn show(&self, census: &Census) {
        for status in RunStatus::ALL.into_iter().filter(|s| !s.is_terminal()) {
            let count = census.live.get(&status).copied().unwrap_or(0);
            self.runs
                .with_label_values(&[status.as_str()])
                .set(count as i64);
        }
        let oldest = census.oldest_due.unwrap_or_default();
        self.oldest.set(oldest.as_secs_f64());
        self.unleased.set(census.unleased as i64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use runloom_domain::SystemClock;
    use runloom_store::memory::MemoryStore;

    use super::*;

    fn names(families: &[MetricFamily]) -> Vec<&str> {
        families.iter().map(MetricFamily::name).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_census_is_kept_for_a_while() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let taker = CensusTaker::new().unwrap();
        let families = taker.gather(&store, || {}).await;
        assert_eq!(
            names(&families),
            [
                "runloom_census_failures_total",
                "runloom_queue_oldest_seconds",
                "runloom_runs",
                "runloom_runs_without_lease"
            ]
        );
        taker.unleased.set(7);
        taker.gather(&store, || {}).await;
        assert_eq!(taker.unleased.get(), 7, "it was not taken again");
        tokio::time::advance(KEPT).await;
        taker.gather(&store, || {}).await;
        assert_eq!(taker.unleased.get(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_is_not_shown() {
        let taker = CensusTaker::new().unwrap();
        *taker.last.lock().await = Last {
            until: Some(Instant::now() + KEPT),
            is_known: false,
        };
        let store = MemoryStore::new(Arc::new(SystemClock));
        let families = taker.gather(&store, || {}).await;
        assert_eq!(names(&families), ["runloom_census_failures_total"]);
    }
}
