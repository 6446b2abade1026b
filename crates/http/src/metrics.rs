//! What the API counts and times, for Prometheus.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use futures_util::future::BoxFuture;
use prometheus::proto::MetricFamily;
use prometheus::{
    HistogramVec, IntCounterVec, IntGauge, Registry, histogram_opts,
    register_histogram_vec_with_registry, register_int_counter_vec_with_registry,
    register_int_gauge_with_registry,
};

/// Seconds; the shortest requests take a fraction of a millisecond, the longest a deadline.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The route of requests that none fits. Paths are never a label: anybody can make up new ones.
const NO_ROUTE: &str = "none";

/// What `/metrics` shows besides the API's own.
pub trait MetricsSource: Send + Sync + 'static {
    /// The families of everything else in this process. Runs on the main runtime.
    fn gather(&self) -> BoxFuture<'_, Vec<MetricFamily>>;
}

/// The handles of one server.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    pub(crate) open_streams: IntGauge,
}

impl HttpMetrics {
    pub(crate) fn new() -> Self {
        Self::in_registry(Registry::new()).expect("the names are valid, and each is given once")
    }

    fn in_registry(registry: Registry) -> prometheus::Result<Self> {
        Ok(Self {
            requests: register_int_counter_vec_with_registry!(
                "runloom_http_requests_total",
                "Requests that were answered, by their route's pattern and the class of the status.",
                &["route", "method", "status"],
                registry
            )?,
            seconds: register_histogram_vec_with_registry!(
                histogram_opts!(
                    "runloom_http_request_duration_seconds",
                    "How long requests took until their answer began.",
                    SECONDS.to_vec()
                ),
                &["route", "method"],
                registry
            )?,
            open_streams: register_int_gauge_with_registry!(
                "runloom_event_streams_open",
                "Event streams that are open.",
                registry
            )?,
            registry,
        })
    }

    /// A request has its answer; `route` is its pattern as it is documented.
    pub(crate) fn answered(
        &self,
        route: Option<&str>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let labels = [route.unwrap_or(NO_ROUTE), known(method)];
        let [route, method] = labels;
        let requests = &self.requests;
        requests
            .with_label_values(&[route, method, class(status)])
            .inc();
        self.seconds
            .with_label_values(&labels)
            .observe(took.as_secs_f64());
    }

    pub(crate) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

/// Clients can make up methods too.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_make_up_is_no_label() {
        let metrics = HttpMetrics::new();
        for name in ["BREW", "WHEN"] {
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            metrics.answered(None, &method, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let labels = ["none", "other", "4xx"];
        assert_eq!(metrics.requests.with_label_values(&labels).get(), 2);
    }
}
