use std::sync::Arc;

use anyhow::Result;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use prometheus::proto::MetricFamily;
use prometheus::{
    IntGauge, IntGaugeVec, Registry, register_int_gauge_vec_with_registry,
    register_int_gauge_with_registry,
};
use runloom_domain::Timestamp;
use runloom_engine::Engine;
use runloom_http::MetricsSource;
use runloom_store_sql::{Database, Lane};

use crate::config::Config;

/// What `/metrics` shows besides the API's own, unless it is switched off.
pub(crate) fn metrics(
    config: &Config,
    engine: &Engine,
    database: &Arc<dyn Database>,
    started: Timestamp,
) -> Result<Option<Arc<dyn MetricsSource>>> {
    if !config.http.metrics {
        return Ok(None);
    }
    let metrics = ProcessMetrics::new(engine.clone(), Arc::clone(database), started)?;
    Ok(Some(Arc::new(metrics)))
}

/// This process: its engine, its ways to the database, and itself.
struct ProcessMetrics {
    engine: Engine,
    database: Arc<dyn Database>,
    registry: Registry,
    size: IntGaugeVec,
    in_use: IntGaugeVec,
    waiting: IntGaugeVec,
    resident: IntGauge,
}

impl ProcessMetrics {
    fn new(engine: Engine, database: Arc<dyn Database>, started: Timestamp) -> Result<Self> {
        let registry = Registry::new();
        let by_lane =
            |name, help| register_int_gauge_vec_with_registry!(name, help, &["lane"], registry);
        let build = register_int_gauge_vec_with_registry!(
            "runloom_build_info",
            "1, with the version of the program as a label.",
            &["version"],
            registry
        )?;
        let version = env!("CARGO_PKG_VERSION");
        build.with_label_values(&[version]).set(1);
        let start = register_int_gauge_with_registry!(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970.",
            registry
        )?;
        start.set(started.as_micros() / 1_000_000);
        Ok(Self {
            engine,
            database,
            size: by_lane(
                "runloom_database_lane_size",
                "Calls that each way to the database can serve at once.",
            )?,
            in_use: by_lane(
                "runloom_database_lane_in_use",
                "Calls that each way to the database serves now.",
            )?,
            waiting: by_lane(
                "runloom_database_lane_waiting",
                "Calls that wait for each way to the database.",
            )?,
            resident: register_int_gauge_with_registry!(
                "process_resident_memory_bytes",
                "Memory that the process occupies.",
                registry
            )?,
            registry,
        })
    }

    fn show(&self, lane: &Lane) {
        for (gauge, value) in [
            (&self.size, lane.size),
            (&self.in_use, lane.in_use),
            (&self.waiting, lane.waiting),
        ] {
            gauge.with_label_values(&[lane.name]).set(value as i64);
        }
    }
}

impl MetricsSource for ProcessMetrics {
    fn gather(&self) -> BoxFuture<'_, Vec<MetricFamily>> {
        async {
            for lane in self.database.lanes() {
                self.show(&lane);
            }
            if let Some(bytes) = resident_bytes() {
                self.resident.set(bytes);
            }
            let mut families = self.engine.metrics().await;
            families.extend(self.registry.gather());
            families
        }
        .boxed()
    }
}

/// Where the system says so.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = kib.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_occupies_memory() {
        assert!(resident_bytes().unwrap() > 1_000_000);
    }
}
