//! What a load reports: counts and latencies, as JSON between the two processes.

use crate::bench::compared::Compared;
use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The result of one load.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct LoadResult {
    /// Runs, requests or streams that went right.
    pub(crate) done: u64,
    pub(crate) errors: u64,
    /// The first error's text, to know what went wrong.
    pub(crate) first_error: Option<String>,
    /// Seconds over which `done` was counted.
    pub(crate) seconds: f64,
    /// Cores that the load itself kept busy on average.
    pub(crate) cores: f64,
    /// By what was timed, in milliseconds.
    pub(crate) latencies: BTreeMap<String, Quantiles>,
    /// Figures of several kinds of runs.
    pub(crate) compared: Vec<Compared>,
}

/// Quantiles in milliseconds.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl LoadResult {
    pub(crate) fn rate(&self) -> f64 {
        if self.seconds > 0.0 {
            self.done as f64 / self.seconds
        } else {
            0.0
        }
    }

    /// Counts what went wrong and keeps the first text.
    pub(crate) fn fail(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| format!("{error:#}"));
    }
}

/// Times of one kind, from 1 µs to 10 minutes with three digits.
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Result<Self> {
        let ten_minutes = 600_000_000;
        let histogram =
            Histogram::new_with_bounds(1, ten_minutes, 3).context("can't make a histogram")?;
        Ok(Self(histogram))
    }

    pub(crate) fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    /// Takes in what another has recorded.
    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.0.add(&other.0).context("histograms of two forms")
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let millis = |micros: u64| micros as f64 / 1000.0;
        Quantiles {
            p50: millis(self.0.value_at_quantile(0.50)),
            p99: millis(self.0.value_at_quantile(0.99)),
            max: millis(self.0.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut times = Times::new().unwrap();
        for millis in 1..=100 {
            times.record(Duration::from_millis(millis));
        }
        let quantiles = times.quantiles();
        assert!((quantiles.p50 - 50.0).abs() < 0.1, "{}", quantiles.p50);
        assert!((quantiles.p99 - 99.0).abs() < 0.1, "{}", quantiles.p99);
    }
}
