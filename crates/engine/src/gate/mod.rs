//! How many model calls this node makes at once, and how soon after each other.
//!
//! A route may have limits of its own, which are kept. A credential has none that anybody told
//! us: its provider says "too many requests" when there are, and then all runs of the node slow
//! down together instead of each by itself. Whoever has to wait does so in the order of coming,
//! holding no connection; dropping the future gives up the place.

mod credential;
mod line;
mod meter;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runloom_domain::{CredentialId, OrgId, Route};

use crate::port::model::{ModelError, ModelErrorKind};
use credential::Credential;
use line::Line;
use meter::Meter;

/// The longest wait for a place. Whoever has waited so long without a call had better say so.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// Routes and credentials that were used last are remembered; more than this are too many to
/// matter.
const REMEMBERED: usize = 10_000;

/// All the gates of a node.
#[derive(Default)]
pub(crate) struct Gates {
    routes: Mutex<HashMap<RouteKey, Arc<Line<Meter>>>>,
    credentials: Mutex<HashMap<CredentialKey, Arc<Line<Credential>>>>,
}

/// An organisation's own route, or one of the platform's, which all share.
type RouteKey = (Option<OrgId>, String);

/// Whose secret a call is made with.
#[derive(Clone, PartialEq, Eq, Hash)]
enum CredentialKey {
    /// An organisation's own.
    Own(OrgId, CredentialId),
    /// That of a route of the platform.
    OfRoute(String),
}

/// The right to one model call under way; it ends when this is dropped.
pub(crate) struct Permit {
    route: line::Place<Meter>,
    credential: line::Place<Credential>,
    counts_tokens: bool,
    /// Output tokens that the route has been told of.
    used: AtomicU64,
}

impl Gates {
    /// Waits until the route may be called with about so many tokens of input. Fails at once
    /// when its credential rests, and after ten minutes of waiting.
    pub(crate) async fn admit(
        &self,
        org: OrgId,
        route: &Route,
        input_tokens: u64,
    ) -> Result<Permit, ModelError> {
        let key = match route.credential_id {
            Some(id) => CredentialKey::Own(org, id),
            None => CredentialKey::OfRoute(route.route_id.clone()),
        };
        let owner = route.credential_id.map(|_| org);
        let meter = entry(&self.routes, (owner, route.route_id.clone()), || {
            Line::new(Meter::default())
        });
        let credential = entry(&self.credentials, key, || Line::new(Credential::default()));
        let admitted = async {
            let wanted = meter::Wanted {
                rate: route.rate,
                input_tokens,
            };
            let place = meter.enter(&wanted).await?;
            let credential = credential.enter(&()).await?;
            Ok(Permit {
                route: place,
                credential,
                counts_tokens: route.rate.tokens_per_minute.is_some(),
                used: AtomicU64::new(0),
            })
        };
        match tokio::time::timeout(PATIENCE, admitted).await {
            Ok(admitted) => admitted,
            Err(_) => Err(ModelError::new(
                ModelErrorKind::RateLimited,
                "the route was so busy that the call found no place within ten minutes",
            )),
        }
    }
}

impl Permit {
    /// The provider has taken the call.
    pub(crate) fn accepted(&self) {
        self.credential.with(Credential::accepted);
    }

    /// The provider has refused it, or wasn't reached.
    pub(crate) fn refused(&self, error: &ModelError) {
        self.credential.with(|state, now| state.refused(error, now));
    }

    /// So many tokens have come back so far.
    pub(crate) fn used(&self, output_tokens: u64) {
        let before = self.used.fetch_max(output_tokens, Ordering::Relaxed);
        if self.counts_tokens && output_tokens > before {
            let news = output_tokens - before;
            self.route.with(|meter, now| meter.used(news, now));
        }
    }
}

fn entry<K: Hash + Eq, S: line::State>(
    map: &Mutex<HashMap<K, Arc<Line<S>>>>,
    key: K,
    make: impl FnOnce() -> Line<S>,
) -> Arc<Line<S>> {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= REMEMBERED && !map.contains_key(&key) {
        // What nobody holds has nobody waiting and nothing under way.
        map.retain(|_, line| Arc::strong_count(line) > 1);
    }
    map.entry(key).or_insert_with(|| Arc::new(make())).clone()
}

#[cfg(test)]
mod tests;
