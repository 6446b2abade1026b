use std::fmt;
use std::sync::Arc;

/// How far a call is.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressReport {
    /// How much is done, in units of the tool's own.
    pub done: f64,
    /// How much there is to do.
    pub total: Option<f64>,
    /// In words.
    pub message: Option<String>,
}

/// Where a call says how far it is. Clones report to the same place.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(ProgressReport) + Send + Sync>>);

impl Progress {
    /// Hands each report to `sink`, which must not block. [`Progress::default`] reports to nobody.
    pub fn to(sink: impl Fn(ProgressReport) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(sink)))
    }

    /// Says how far the call is. Never waits; of reports that come faster than they are shown the
    /// newest wins. Each moves the call's deadline.
    pub fn report(&self, done: f64, total: Option<f64>, message: Option<String>) {
        if let Some(sink) = &self.0 {
            sink(ProgressReport {
                done,
                total,
                message,
            });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.0.is_some()).finish()
    }
}
