use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use runloom_domain::Persona;
use runloom_engine::port::catalog::RouteEntry;

/// How long nobody asks whether what is remembered is still so.
const FRESH: Duration = Duration::from_secs(1);

/// How many personas of an organisation are remembered, those that aren't there included.
const PERSONAS: usize = 64;

/// What was asked for: a key and a version, of which either may be left out.
pub(super) type Asked = (Option<String>, Option<String>);

/// What was found: perhaps nothing, which is worth remembering too.
#[derive(Clone)]
pub(super) struct Found(pub(super) Option<Arc<Persona>>);

/// What is remembered of an organisation's configuration in one version.
pub(super) struct Known {
    version: u64,
    routes: Vec<RouteEntry>,
    personas: Cache<Asked, Found>,
    checked: Mutex<Instant>,
}

impl Known {
    pub(super) fn new(version: u64, routes: Vec<RouteEntry>, now: Instant) -> Self {
        Self {
            version,
            routes,
            personas: Cache::new(PERSONAS),
            checked: Mutex::new(now),
        }
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// The organisation's routes and the platform's.
    pub(super) fn routes(&self) -> &[RouteEntry] {
        &self.routes
    }

    /// Whether the caller is to ask for the version now. Of several at once one is.
    pub(super) fn is_to_be_checked(&self, now: Instant) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = now.saturating_duration_since(*checked) >= FRESH;
        if is_due {
            *checked = now;
        }
        is_due
    }

    pub(super) fn persona(&self, asked: &Asked) -> Option<Found> {
        self.personas.get(asked)
    }

    pub(super) fn remember(&self, asked: Asked, found: Found) {
        self.personas.insert(asked, found);
    }
}

/// Counts what this node has written, so that nothing that was read before is remembered after.
#[derive(Default)]
pub(super) struct Generation(AtomicU64);

impl Generation {
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
