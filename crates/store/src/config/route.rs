use std::collections::BTreeMap;

use runloom_domain::{
    Backoff, CredentialId, Multiplier, OrgId, Prices, RateLimits, RouteId, RouteRule,
    RouteTimeouts, Timestamp, UserId,
};

/// How many routes an organisation has at most: all of them are looked at when a run is created.
pub const MAX_ROUTES: u64 = 500;

/// What a route consists of, as far as it can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSettings {
    /// The credential that it is called with, which also says who speaks to the model.
    pub credential_id: CredentialId,
    /// The provider's name of the model.
    pub model: String,
    /// Among several that fit, the highest is taken.
    pub priority: i32,
    /// Whether it is taken when nothing else is said.
    pub is_default: bool,
    /// Whether it may be taken at all.
    pub enabled: bool,
    /// Where a run goes when this one fails for good: the id of another route of the
    /// organisation, or the name of one of the platform's.
    pub fallback: Option<String>,
    /// Which runs it is for.
    pub when: Option<RouteRule>,
    /// What tokens cost; absent when the provider's word counts.
    pub prices: Option<Prices>,
    /// The credit factor.
    pub multiplier: Multiplier,
    /// How many tokens of input and output the model takes in all, if that is known.
    pub context_length: Option<u64>,
    /// The most output tokens that the model may be asked for.
    pub max_output_tokens: Option<u64>,
    /// How much it may be used.
    pub rate: RateLimits,
    /// How long it may be silent.
    pub timeouts: RouteTimeouts,
    /// How it is tried again.
    pub backoff: Backoff,
}

impl RouteSettings {
    /// An enabled route to a model, with nothing else said.
    pub fn new(credential_id: CredentialId, model: impl Into<String>) -> Self {
        Self {
            credential_id,
            model: model.into(),
            priority: 0,
            is_default: false,
            enabled: true,
            fallback: None,
            when: None,
            prices: None,
            multiplier: Multiplier::default(),
            context_length: None,
            max_output_tokens: None,
            rate: RateLimits::default(),
            timeouts: RouteTimeouts::default(),
            backoff: Backoff::default(),
        }
    }

    /// The organisation's own route that it falls back to.
    pub fn own_fallback(&self) -> Option<RouteId> {
        self.fallback.as_deref()?.parse().ok()
    }
}

/// A route to be stored.
#[derive(Clone, Debug)]
pub struct NewRoute {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub route_id: RouteId,
    /// What it consists of.
    pub settings: RouteSettings,
    /// Who makes it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// A route as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub route_id: RouteId,
    /// The kind of its credential: who speaks to the model.
    pub provider: String,
    /// What it consists of.
    pub settings: RouteSettings,
    /// Raised by each change, from 1.
    pub version: u64,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Why a route was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteRefusal {
    /// The organisation has no such credential.
    NoCredential,
    /// The organisation has no such route to fall back to.
    NoFallback,
    /// Falling back would lead to the route itself.
    Circle,
    /// The organisation has [`MAX_ROUTES`].
    TooMany,
}

/// What an organisation has configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    /// How often the configuration had been written.
    pub version: u64,
    /// All routes.
    pub routes: Vec<RouteRecord>,
}

/// Whether a route with the own `fallback` would stand in a circle, or falls back to a route that
/// isn't there; `next` is where each of the organisation's routes goes.
pub fn refused_fallback(
    route: RouteId,
    fallback: RouteId,
    next: &BTreeMap<RouteId, Option<RouteId>>,
) -> Option<RouteRefusal> {
    if route == fallback {
        return Some(RouteRefusal::Circle);
    }
    if !next.contains_key(&fallback) {
        return Some(RouteRefusal::NoFallback);
    }
    let mut at = Some(fallback);
    // One step for each route: there are no circles without this one.
    for _ in 0..=next.len() {
        match at {
            Some(here) if here == route => return Some(RouteRefusal::Circle),
            Some(here) => at = next.get(&here).copied().flatten(),
            None => return None,
        }
    }
    None
}
