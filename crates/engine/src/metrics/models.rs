use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::{
    CounterVec, HistogramVec, IntCounterVec, Registry, histogram_opts,
    register_counter_vec_with_registry, register_histogram_vec_with_registry,
    register_int_counter_vec_with_registry,
};
use runloom_domain::ModelCall;

use super::buckets::LONG;

/// Routes that have series of their own. A run keeps the route it began with, so names of
/// former configurations turn up too; those beyond this share one.
const MAX_ROUTES: usize = 200;

/// The name of all further routes.
const OTHERS: &str = "others";

/// Model calls, by route.
pub(crate) struct ModelMetrics {
    seconds: HistogramVec,
    errors: IntCounterVec,
    tokens: IntCounterVec,
    cost: CounterVec,
    routes: Mutex<HashSet<String>>,
}

impl ModelMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            seconds: register_histogram_vec_with_registry!(
                histogram_opts!(
                    "runloom_model_call_duration_seconds",
                    "How long model calls took until their answer was whole or they failed.",
                    LONG.to_vec()
                ),
                &["route_id"],
                registry
            )?,
            errors: register_int_counter_vec_with_registry!(
                "runloom_model_errors_total",
                "Model calls that failed, by the class of the error.",
                &["route_id", "error_class"],
                registry
            )?,
            tokens: register_int_counter_vec_with_registry!(
                "runloom_model_tokens_total",
                "Tokens of model calls, in buckets of which no token is in two.",
                &["route_id", "bucket"],
                registry
            )?,
            cost: register_counter_vec_with_registry!(
                "runloom_model_cost_dollars_total",
                "What model calls cost by the prices of their routes.",
                &["route_id"],
                registry
            )?,
            routes: Mutex::default(),
        })
    }

    /// A call has ended by itself, with an error of this class or with an answer.
    pub(crate) fn ended(&self, route: &str, took: Duration, error: Option<&str>) {
        let route = self.label(route);
        let seconds = self.seconds.with_label_values(&[route]);
        seconds.observe(took.as_secs_f64());
        if let Some(class) = error {
            self.errors.with_label_values(&[route, class]).inc();
        }
    }

    /// A call is in the ledger.
    pub(super) fn charged(&self, call: &ModelCall) {
        let route = self.label(&call.route_id);
        let tokens = &call.usage.tokens;
        for (bucket, count) in [
            ("uncached_input", tokens.uncached_input_tokens),
            ("cache_read", tokens.cache_read_tokens),
            ("cache_write", tokens.cache_write_tokens),
            ("output", tokens.output_tokens),
        ] {
            let counter = self.tokens.with_label_values(&[route, bucket]);
            counter.inc_by(count);
        }
        // A counter takes no negative amounts; a route's prices are none.
        let cost = call.cost.as_dollars().max(0.0);
        self.cost.with_label_values(&[route]).inc_by(cost);
    }

    fn label<'r>(&self, route: &'r str) -> &'r str {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if routes.contains(route) {
            return route;
        }
        if routes.len() >= MAX_ROUTES {
            return OTHERS;
        }
        routes.insert(route.to_owned());
        route
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_without_end_share_a_name() {
        let metrics = ModelMetrics::new(&Registry::new()).unwrap();
        for n in 0..MAX_ROUTES {
            let route = format!("route-{n}");
            assert_eq!(metrics.label(&route), route);
        }
        assert_eq!(metrics.label("one-more"), OTHERS);
        assert_eq!(metrics.label("route-0"), "route-0");
    }
}
