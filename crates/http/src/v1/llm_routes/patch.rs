//! What is said of a route, be it new or changed.

use runloom_domain::text::is_name;
use runloom_domain::{
    Backoff, CredentialId, Decimal, DollarPrices, Multiplier, Prices, RateLimits, RouteRule,
    RouteTimeouts,
};
use runloom_store::RouteSettings;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Body, Fields, Size};

/// The longest name of a model, in bytes.
const MODEL: Size = Size::Bytes(1, 200);
/// Fields of metadata that a rule asks for at most.
const MAX_RULE_FIELDS: usize = 16;
/// The longest text that a rule compares with, in bytes.
const MAX_RULE_TEXT: usize = 256;
/// Priorities are this far from zero at most.
const MAX_PRIORITY: i64 = 1_000_000;
/// The most tokens that a model is believed to take.
const MAX_TOKENS: u64 = 100_000_000;
/// The longest timeout: a day, in milliseconds.
const MAX_TIMEOUT_MS: u64 = 86_400_000;
/// The longest wait between two tries: an hour, in milliseconds.
const MAX_WAIT_MS: u64 = 3_600_000;
/// The most tries of one call.
const MAX_ATTEMPTS: u32 = 20;

/// A route to be made. What is left out has its default.
#[derive(ToSchema)]
#[schema(as = NewLlmRoute)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewRouteBody {
    #[schema(value_type = Uuid)]
    credential_id: CredentialId,
    /// The provider's name of the model.
    #[schema(max_length = 200, min_length = 1)]
    model: String,
    /// Among several that fit, the highest is taken. Default 0.
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: Option<i32>,
    /// Whether it is taken when nothing else is said. Default false.
    is_default: Option<bool>,
    /// Default true.
    enabled: Option<bool>,
    /// Which runs it is for, when neither they nor their persona name a route.
    when: Option<RuleBody>,
    /// Without them the provider's word counts.
    prices: Option<PricesBody>,
    /// Credits of its calls are multiplied by this: at most three decimals. Default 1.
    #[schema(minimum = 0, maximum = 4_000_000, multiple_of = 0.001)]
    multiplier: Option<f64>,
    /// Tokens of input and output that the model takes in all.
    #[schema(minimum = 1, maximum = 100_000_000)]
    context_length: Option<u64>,
    /// The most output tokens that a call asks for.
    #[schema(minimum = 1, maximum = 100_000_000)]
    max_output_tokens: Option<u64>,
    rate: Option<RateBody>,
    timeouts: Option<TimeoutsBody>,
    backoff: Option<BackoffBody>,
    /// Where a run goes when this one fails for good: a route of the organisation or of the
    /// platform.
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    fallback_route_id: Option<String>,
}

/// What to change of a route: an absent field stays, null gives it its default.
#[derive(ToSchema)]
#[schema(as = LlmRoutePatch)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct RoutePatchBody {
    #[schema(value_type = Option<Uuid>, nullable = false)]
    credential_id: Option<CredentialId>,
    #[schema(max_length = 200, min_length = 1, nullable = false)]
    model: Option<String>,
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: Option<i32>,
    is_default: Option<bool>,
    enabled: Option<bool>,
    when: Option<RuleBody>,
    prices: Option<PricesBody>,
    #[schema(minimum = 0, maximum = 4_000_000, multiple_of = 0.001)]
    multiplier: Option<f64>,
    #[schema(minimum = 1, maximum = 100_000_000)]
    context_length: Option<u64>,
    #[schema(minimum = 1, maximum = 100_000_000)]
    max_output_tokens: Option<u64>,
    rate: Option<RateBody>,
    timeouts: Option<TimeoutsBody>,
    backoff: Option<BackoffBody>,
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    fallback_route_id: Option<String>,
}

/// All that it names must be equal, and it names something.
#[derive(ToSchema)]
#[schema(as = RouteRule)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct RuleBody {
    /// The persona's key.
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    persona: Option<String>,
    /// Fields of the run's metadata, each a text, a number, true, false or null.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// Dollars per million tokens, and per call: numbers, or texts such as `"0.15"`, of at most nine
/// decimals.
#[derive(ToSchema)]
#[schema(as = DollarPrices)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct PricesBody {
    input: Option<f64>,
    /// The price of `input` by default.
    cache_read: Option<f64>,
    /// The price of `input` by default.
    cache_write: Option<f64>,
    output: Option<f64>,
    request: Option<f64>,
}

/// How much all runs of a node may use a route; without limit by default.
#[derive(ToSchema)]
#[schema(as = RateLimits)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct RateBody {
    #[schema(minimum = 1)]
    requests_per_minute: Option<u32>,
    #[schema(minimum = 1)]
    tokens_per_minute: Option<u64>,
    #[schema(minimum = 1)]
    concurrency: Option<u32>,
}

/// In milliseconds.
#[derive(ToSchema)]
#[schema(as = RouteTimeouts)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct TimeoutsBody {
    /// Default 60,000.
    header_ms: Option<u64>,
    /// Default 60,000.
    idle_ms: Option<u64>,
    /// Default 1,800,000; 0 is for ever.
    total_ms: Option<u64>,
}

/// How a failed call is tried again.
#[derive(ToSchema)]
#[schema(as = Backoff)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct BackoffBody {
    /// Default 4.
    max_attempts: Option<u32>,
    /// Default 500.
    base_ms: Option<u64>,
    /// Default 30,000.
    cap_ms: Option<u64>,
    /// Default 600,000.
    asked_cap_ms: Option<u64>,
    /// Default 20.
    max_rate_limited: Option<u32>,
}

/// What is said of a route; the outer `None` leaves a field as it is, the inner one gives it its
/// default.
#[derive(Clone, Default)]
#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
pub(crate) struct RoutePatch {
    credential_id: Option<CredentialId>,
    model: Option<String>,
    priority: Option<Option<i32>>,
    is_default: Option<Option<bool>>,
    enabled: Option<Option<bool>>,
    fallback: Option<Option<String>>,
    when: Option<Option<RouteRule>>,
    prices: Option<Option<Prices>>,
    multiplier: Option<Option<Multiplier>>,
    context_length: Option<Option<u64>>,
    max_output_tokens: Option<Option<u64>>,
    rate: Option<Option<RateLimits>>,
    timeouts: Option<Option<RouteTimeouts>>,
    backoff: Option<Option<Backoff>>,
}

impl Body for RoutePatch {
    fn from_fields(fields: &mut Fields) -> Self {
        for needed in ["credential_id", "model"] {
            if fields.has(needed) {
                fields.required(needed);
            }
        }
        Self {
            credential_id: fields.parsed("credential_id"),
            model: fields.optional_text("model", MODEL),
            priority: fields.change("priority", priority),
            is_default: fields.change("is_default", Fields::flag),
            enabled: fields.change("enabled", Fields::flag),
            fallback: fields.change("fallback_route_id", Fields::name),
            when: fields.change("when", |fields, name| fields.formed(name, check_rule)),
            prices: fields.change("prices", |fields, name| {
                let dollars = fields.formed::<DollarPrices>(name, |_| Ok(()));
                dollars.map(Prices::from)
            }),
            multiplier: fields.change("multiplier", multiplier),
            context_length: fields.change("context_length", tokens),
            max_output_tokens: fields.change("max_output_tokens", tokens),
            rate: fields.change("rate", |fields, name| fields.formed(name, check_rate)),
            timeouts: fields.change("timeouts", |fields, name| {
                fields.formed(name, check_timeouts)
            }),
            backoff: fields.change("backoff", |fields, name| fields.formed(name, check_backoff)),
        }
    }
}

impl RoutePatch {
    /// The route as it is to be.
    pub(super) fn applied(self, to: RouteSettings) -> RouteSettings {
        RouteSettings {
            credential_id: self.credential_id.unwrap_or(to.credential_id),
            model: self.model.unwrap_or(to.model),
            priority: changed(self.priority, to.priority),
            is_default: changed(self.is_default, to.is_default),
            enabled: self.enabled.map_or(to.enabled, |new| new.unwrap_or(true)),
            fallback: self.fallback.unwrap_or(to.fallback),
            when: self.when.unwrap_or(to.when),
            prices: self.prices.unwrap_or(to.prices),
            multiplier: changed(self.multiplier, to.multiplier),
            context_length: self.context_length.unwrap_or(to.context_length),
            max_output_tokens: self.max_output_tokens.unwrap_or(to.max_output_tokens),
            rate: changed(self.rate, to.rate),
            timeouts: changed(self.timeouts, to.timeouts),
            backoff: changed(self.backoff, to.backoff),
        }
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
fn changed<T: Default>(new: Option<Option<T>>, before: T) -> T {
    new.map_or(before, Option::unwrap_or_default)
}

fn priority(fields: &mut Fields, name: &str) -> Option<i32> {
    fields.read(name, |value| {
        let number = value.as_i64().filter(|n| n.abs() <= MAX_PRIORITY);
        let number = number.and_then(|number| i32::try_from(number).ok());
        number.ok_or_else(|| format!("must be an integer from -{MAX_PRIORITY} to {MAX_PRIORITY}"))
    })
}

fn tokens(fields: &mut Fields, name: &str) -> Option<u64> {
    fields.count(name, MAX_TOKENS)
}

fn multiplier(fields: &mut Fields, name: &str) -> Option<Multiplier> {
    let factor = fields.formed::<Decimal<3>>(name, |factor| {
        u32::try_from(factor.scaled())
            .map(|_| ())
            .map_err(|_| "is too large".to_owned())
    });
    factor.map(|factor| Multiplier::from_thousandths(factor.scaled() as u32))
}

fn check_rule(rule: &RouteRule) -> Result<(), String> {
    if rule.is_empty() {
        return Err("must name a persona or metadata".to_owned());
    }
    if rule.persona.as_deref().is_some_and(|key| !is_name(key)) {
        return Err("persona is not a persona's key".to_owned());
    }
    if rule.metadata.len() > MAX_RULE_FIELDS {
        return Err(format!("metadata has more than {MAX_RULE_FIELDS} fields"));
    }
    for (name, value) in &rule.metadata {
        let fits = match value {
            Value::Array(_) | Value::Object(_) => false,
            Value::String(text) => text.len() <= MAX_RULE_TEXT,
            _ => true,
        };
        if !fits || name.len() > MAX_RULE_TEXT {
            return Err(format!(
                "metadata compares with texts of at most {MAX_RULE_TEXT} bytes, numbers, true, \
                 false and null"
            ));
        }
    }
    Ok(())
}

fn check_rate(rate: &RateLimits) -> Result<(), String> {
    let none = [
        rate.requests_per_minute == Some(0),
        rate.tokens_per_minute == Some(0),
        rate.concurrency == Some(0),
    ];
    let tokens = rate
        .tokens_per_minute
        .is_none_or(|n| i64::try_from(n).is_ok());
    if none.contains(&true) || !tokens {
        return Err("has a limit that is 0 or too large".to_owned());
    }
    Ok(())
}

fn check_timeouts(timeouts: &RouteTimeouts) -> Result<(), String> {
    let silent = [timeouts.header_ms, timeouts.idle_ms];
    let fits = silent.iter().all(|ms| (1..=MAX_TIMEOUT_MS).contains(ms));
    if !fits || timeouts.total_ms > MAX_TIMEOUT_MS {
        return Err(format!(
            "header_ms and idle_ms must be from 1 to {MAX_TIMEOUT_MS}, total_ms from 0"
        ));
    }
    Ok(())
}

fn check_backoff(backoff: &Backoff) -> Result<(), String> {
    let tries = [backoff.max_attempts, backoff.max_rate_limited];
    let waits = [backoff.base_ms, backoff.cap_ms, backoff.asked_cap_ms];
    let fits = tries.iter().all(|n| (1..=MAX_ATTEMPTS).contains(n));
    if !fits || waits.iter().any(|ms| *ms > MAX_WAIT_MS) {
        return Err(format!(
            "max_attempts and max_rate_limited must be from 1 to {MAX_ATTEMPTS}, base_ms, cap_ms \
             and asked_cap_ms at most {MAX_WAIT_MS}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use runloom_domain::{NanoUsd, Timestamp};
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<RoutePatch, Vec<String>> {
        let Value::Object(object) = body else {
            panic!("an object");
        };
        let mut fields = Fields::new(object);
        let patch = RoutePatch::from_fields(&mut fields);
        let errors = fields.finish();
        if errors.is_empty() {
            Ok(patch)
        } else {
            Err(errors.into_keys().collect())
        }
    }

    fn plain() -> RouteSettings {
        RouteSettings::new(CredentialId::generate(Timestamp::from_micros(1)), "m")
    }

    #[test]
    fn what_is_absent_stays_and_what_is_null_has_its_default() {
        let said = read(json!({
            "model": "other", "priority": -3, "is_default": true, "enabled": false,
            "fallback_route_id": "main", "when": {"persona": "clerk"}, "multiplier": "1.5",
            "prices": {"input": 0.15, "output": "0.6"}, "context_length": 8000,
            "max_output_tokens": 100, "rate": {"concurrency": 2}, "timeouts": {"idle_ms": 5},
            "backoff": {"max_attempts": 1},
        }));
        let said = said.unwrap().applied(plain());
        assert_eq!(
            (said.model.as_str(), said.priority, said.enabled),
            ("other", -3, false)
        );
        assert_eq!(
            said.prices.unwrap().cache_read,
            NanoUsd::from_nanos(150_000_000)
        );
        assert_eq!(
            (said.timeouts.idle_ms, said.timeouts.header_ms),
            (5, 60_000)
        );
        assert_eq!(read(json!({})).unwrap().applied(said.clone()), said);
        let nothing = read(json!({
            "priority": null, "is_default": null, "enabled": null, "fallback_route_id": null,
            "when": null, "prices": null, "multiplier": null, "context_length": null,
            "max_output_tokens": null, "rate": null, "timeouts": null, "backoff": null,
        }));
        let default = RouteSettings {
            credential_id: said.credential_id,
            ..RouteSettings::new(said.credential_id, "other")
        };
        assert_eq!(nothing.unwrap().applied(said), default);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (body, field) in [
            (json!({ "credential_id": "x" }), "credential_id"),
            (json!({ "credential_id": null }), "credential_id"),
            (json!({ "model": null }), "model"),
            (json!({ "model": "" }), "model"),
            (json!({ "priority": 1.5 }), "priority"),
            (json!({ "priority": 1_000_001 }), "priority"),
            (json!({ "enabled": 1 }), "enabled"),
            (json!({ "fallback_route_id": "a b" }), "fallback_route_id"),
            (json!({ "when": {} }), "when"),
            (json!({ "when": { "persona": "a b" } }), "when"),
            (json!({ "when": { "metadata": { "a": [] } } }), "when"),
            (json!({ "when": { "model": "a" } }), "when"),
            (json!({ "prices": { "input": -1 } }), "prices"),
            (json!({ "prices": { "in": 1 } }), "prices"),
            (json!({ "prices": { "input": "0.0000000001" } }), "prices"),
            (json!({ "multiplier": 1.2345 }), "multiplier"),
            (json!({ "multiplier": 4_294_968 }), "multiplier"),
            (json!({ "context_length": 0 }), "context_length"),
            (json!({ "rate": { "concurrency": 0 } }), "rate"),
            (json!({ "timeouts": { "header_ms": 0 } }), "timeouts"),
            (json!({ "backoff": { "max_attempts": 0 } }), "backoff"),
            (json!({ "kind": "openai_chat" }), "kind"),
        ] {
            assert_eq!(
                read(body.clone()).err(),
                Some(vec![field.to_owned()]),
                "{body}"
            );
        }
    }
}
