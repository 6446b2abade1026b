use prometheus::{IntCounter, Registry, register_int_counter_with_registry};

/// The node among others.
pub(crate) struct NodeMetrics {
    /// Renewals of the lease that failed or weren't answered.
    pub(crate) renewal_failures: IntCounter,
    /// Leases that ended while this node was at work.
    pub(crate) lapses: IntCounter,
    /// Hints given to whoever carries them.
    pub(crate) hints_sent: IntCounter,
    /// Hints that came from other nodes.
    pub(crate) hints_received: IntCounter,
    hints_dropped: IntCounter,
}

impl NodeMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name, help| register_int_counter_with_registry!(name, help, registry);
        Ok(Self {
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
        })
    }

    /// So many hints were dropped since the beginning. One caller at a time, or the news is
    /// counted twice.
    pub(super) fn dropped(&self, hints: u64) {
        let news = hints.saturating_sub(self.hints_dropped.get());
        self.hints_dropped.inc_by(news);
    }
}
