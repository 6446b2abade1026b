use std::sync::Arc;

use quick_cache::sync::Cache;
use runloom_domain::Persona;
use runloom_engine::port::catalog::RouteEntry;

use crate::wiring::remembered::Weigh;

/// How many personas of an organisation are remembered, those that aren't there included.
const PERSONAS: usize = 64;

/// What was asked for: a key and a version, of which either may be left out.
pub(super) type Asked = (Option<String>, Option<String>);

/// What was found: perhaps nothing, which is worth remembering too.
#[derive(Clone)]
pub(super) struct Found(pub(super) Option<Arc<Persona>>);

/// What is remembered of an organisation's configuration in one version.
pub(super) struct Known {
    routes: Vec<RouteEntry>,
    personas: Cache<Asked, Found>,
}

/// About what a route takes, and the personas of most organisations, in bytes.
const ROUTE: u64 = 1_024;
const USUAL: u64 = 16 * 1_024;

impl Weigh for Known {
    fn bytes(&self) -> u64 {
        USUAL + ROUTE * self.routes.len() as u64
    }
}

impl Known {
    pub(super) fn new(routes: Vec<RouteEntry>) -> Self {
        Self {
            routes,
            personas: Cache::new(PERSONAS),
        }
    }

    /// The organisation's routes and the platform's.
    pub(super) fn routes(&self) -> &[RouteEntry] {
        &self.routes
    }

    pub(super) fn persona(&self, asked: &Asked) -> Option<Found> {
        self.personas.get(asked)
    }

    pub(super) fn remember(&self, asked: Asked, found: Found) {
        self.personas.insert(asked, found);
    }
}
