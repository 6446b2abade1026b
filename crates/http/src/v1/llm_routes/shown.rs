use std::collections::BTreeMap;

use runloom_domain::{
    Backoff, CredentialId, Prices, RateLimits, RouteRule, RouteTimeouts, Timestamp, UserId,
};
use runloom_engine::port::catalog::{RouteEntry, Source};
use runloom_store::{RouteRecord, RouteSettings};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A route: a way to a model.
#[derive(Serialize, ToSchema)]
pub(crate) struct LlmRoute {
    /// What runs name as `route_id`: a UUID, or the name of a platform's route.
    id: String,
    /// `organisation`, or `platform` for a route of the deployment's, which can't be changed.
    #[schema(example = "organisation")]
    source: &'static str,
    #[schema(required, value_type = Option<Uuid>)]
    credential_id: Option<CredentialId>,
    /// Who speaks to the model.
    #[schema(example = "openai_chat")]
    provider: String,
    /// The provider's name of the model.
    model: String,
    /// Among several that fit, the highest is taken.
    priority: i32,
    /// Whether it is taken when nothing else is said.
    is_default: bool,
    enabled: bool,
    #[schema(required)]
    when: Option<ShownRule>,
    /// Null when the provider's word counts.
    #[schema(required)]
    prices: Option<ShownPrices>,
    /// Credits of its calls are multiplied by this.
    multiplier: f64,
    #[schema(required)]
    context_length: Option<u64>,
    #[schema(required)]
    max_output_tokens: Option<u64>,
    rate: ShownRate,
    timeouts: ShownTimeouts,
    backoff: ShownBackoff,
    /// Where a run goes when this one fails for good.
    #[schema(required)]
    fallback_route_id: Option<String>,
    /// Raised by each change; the ETag. Null for the platform's, as are the rest.
    #[schema(required)]
    version: Option<u64>,
    #[schema(required, value_type = Option<Uuid>)]
    created_by_user_id: Option<UserId>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// Which runs a route is for: all that it names must be equal.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownRule {
    /// The persona's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    persona: Option<String>,
    /// Fields of the run's metadata.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Option<Object>)]
    metadata: BTreeMap<String, Value>,
}

/// Dollars per million tokens, and per call.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownPrices {
    input: f64,
    cache_read: f64,
    cache_write: f64,
    output: f64,
    request: f64,
}

/// How much all runs of a node may use a route; null is without limit.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownRate {
    #[schema(required)]
    requests_per_minute: Option<u32>,
    #[schema(required)]
    tokens_per_minute: Option<u64>,
    /// Calls under way at once.
    #[schema(required)]
    concurrency: Option<u32>,
}

/// How long a route may be silent, and how long a try may take in all, in milliseconds.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(crate) struct ShownTimeouts {
    header_ms: u64,
    idle_ms: u64,
    /// 0 is for ever.
    total_ms: u64,
}

/// How a failed call is tried again.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownBackoff {
    /// Tries in all.
    max_attempts: u32,
    /// The longest wait before the second try, in milliseconds.
    base_ms: u64,
    /// The longest wait before any try that the provider hasn't asked for, in milliseconds.
    cap_ms: u64,
    /// The longest wait that it may ask for, in milliseconds.
    asked_cap_ms: u64,
    /// Tries that are answered with "too many requests", in all; counted apart.
    max_rate_limited: u32,
}

impl From<RouteRecord> for LlmRoute {
    fn from(record: RouteRecord) -> Self {
        let RouteSettings {
            credential_id,
            model,
            priority,
            is_default,
            enabled,
            fallback,
            when,
            prices,
            multiplier,
            context_length,
            max_output_tokens,
            rate,
            timeouts,
            backoff,
        } = record.settings;
        Self {
            id: record.route_id.to_string(),
            source: Source::Organisation.as_str(),
            credential_id: Some(credential_id),
            provider: record.provider,
            model,
            priority,
            is_default,
            enabled,
            when: when.map(Into::into),
            prices: prices.map(Into::into),
            multiplier: f64::from(multiplier.as_thousandths()) / 1_000.0,
            context_length,
            max_output_tokens,
            rate: rate.into(),
            timeouts: timeouts.into(),
            backoff: backoff.into(),
            fallback_route_id: fallback,
            version: Some(record.version),
            created_by_user_id: Some(record.created_by),
            created_at: Some(record.created_at),
            updated_at: Some(record.updated_at),
        }
    }
}

/// A route of the platform's.
impl From<&RouteEntry> for LlmRoute {
    fn from(entry: &RouteEntry) -> Self {
        let route = entry.route.clone();
        Self {
            id: route.route_id,
            source: entry.source.as_str(),
            credential_id: None,
            provider: route.kind,
            model: route.model,
            priority: entry.priority,
            is_default: entry.is_default,
            enabled: entry.unavailable.is_none(),
            when: entry.when.clone().map(Into::into),
            prices: route.prices.map(Into::into),
            multiplier: f64::from(route.multiplier.as_thousandths()) / 1_000.0,
            context_length: route.context_length,
            max_output_tokens: route.max_output_tokens,
            rate: route.rate.into(),
            timeouts: route.timeouts.into(),
            backoff: route.backoff.into(),
            fallback_route_id: entry.fallback.clone(),
            version: None,
            created_by_user_id: None,
            created_at: None,
            updated_at: None,
        }
    }
}

impl From<RouteRule> for ShownRule {
    fn from(rule: RouteRule) -> Self {
        Self {
            persona: rule.persona,
            metadata: rule.metadata,
        }
    }
}

impl From<Prices> for ShownPrices {
    fn from(prices: Prices) -> Self {
        Self {
            input: prices.uncached_input.as_dollars(),
            cache_read: prices.cache_read.as_dollars(),
            cache_write: prices.cache_write.as_dollars(),
            output: prices.output.as_dollars(),
            request: prices.request.as_dollars(),
        }
    }
}

impl From<RateLimits> for ShownRate {
    fn from(rate: RateLimits) -> Self {
        Self {
            requests_per_minute: rate.requests_per_minute,
            tokens_per_minute: rate.tokens_per_minute,
            concurrency: rate.concurrency,
        }
    }
}

impl From<RouteTimeouts> for ShownTimeouts {
    fn from(timeouts: RouteTimeouts) -> Self {
        Self {
            header_ms: timeouts.header_ms,
            idle_ms: timeouts.idle_ms,
            total_ms: timeouts.total_ms,
        }
    }
}

impl From<Backoff> for ShownBackoff {
    fn from(backoff: Backoff) -> Self {
        Self {
            max_attempts: backoff.max_attempts,
            base_ms: backoff.base_ms,
            cap_ms: backoff.cap_ms,
            asked_cap_ms: backoff.asked_cap_ms,
            max_rate_limited: backoff.max_rate_limited,
        }
    }
}
