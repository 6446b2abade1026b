use std::time::Duration;

use prometheus::{
    Histogram, IntCounter, Registry, histogram_opts, register_histogram_with_registry,
    register_int_counter_with_registry,
};

use super::buckets::{COUNTS, SHORT};

/// What the writer does.
pub(crate) struct LogMetrics {
    seconds: Histogram,
    changes: Histogram,
    events: Histogram,
    /// Commits that the database didn't take.
    pub(crate) failures: IntCounter,
    /// Appends of an owner that is none any more.
    pub(crate) fenced: IntCounter,
}

impl LogMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let histogram = |name, help, buckets: &[f64]| {
            let options = histogram_opts!(name, help, buckets.to_vec());
            register_histogram_with_registry!(options, registry)
        };
        Ok(Self {
            seconds: histogram(
                "runloom_append_duration_seconds",
                "How long the commits took in which runs append to their logs.",
                SHORT,
            )?,
            changes: histogram(
                "runloom_append_batch_changes",
                "Runs that shared one commit.",
                COUNTS,
            )?,
            events: histogram(
                "runloom_append_batch_events",
                "Events that shared one commit.",
                COUNTS,
            )?,
            failures: register_int_counter_with_registry!(
                "runloom_append_failures_total",
                "Commits that failed; what they hold is tried again.",
                registry
            )?,
            fenced: register_int_counter_with_registry!(
                "runloom_fenced_writes_total",
                "Appends refused because the run had another owner, or had ended.",
                registry
            )?,
        })
    }

    /// A commit of so many changes, with so many events in all.
    pub(crate) fn committed(&self, took: Duration, changes: usize, events: usize) {
        self.seconds.observe(took.as_secs_f64());
        self.changes.observe(changes as f64);
        self.events.observe(events as f64);
    }
}
