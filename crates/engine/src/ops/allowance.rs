//! What a run reserves of its organisation's credits and budgets: pure, from its limits.

use runloom_domain::{CreditTerms, Multiplier, RunSpec, credits_for};
use runloom_store::{Allowance, Held};

use crate::engine::EngineConfig;

/// All that the run may ever use, where its limits say so; else as much as is reserved at a
/// time, and again before each step that needs it.
pub(super) fn allowance(spec: &RunSpec, config: &EngineConfig) -> Allowance {
    let terms = CreditTerms {
        rate: spec.credit_rate,
        multiplier: largest_multiplier(spec),
    };
    let max_cost = Some(spec.limits.max_cost).filter(|max| max.as_nanos() > 0);
    let cost = max_cost.unwrap_or(config.reserve_cost);
    let credits = credits_for([(cost, terms.multiplier)], terms.rate);
    // A run may have a limit on its output, but never on its input, which counts too.
    let tokens = i64::try_from(config.reserve_tokens).unwrap_or(i64::MAX);
    let held = |amount| Held {
        amount,
        step: if max_cost.is_some() { 0 } else { amount },
    };
    Allowance {
        metered: config.metered,
        credits: held(credits),
        cost: held(cost.as_nanos()),
        tokens: Held {
            amount: tokens,
            step: tokens,
        },
        terms,
    }
}

/// A run may go on with a fallback whose calls make more credits.
fn largest_multiplier(spec: &RunSpec) -> Multiplier {
    let routes = std::iter::once(&spec.route).chain(&spec.fallbacks);
    routes
        .map(|route| route.multiplier)
        .max_by_key(|multiplier| multiplier.as_thousandths())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use runloom_domain::NanoUsd;

    use super::*;

    fn spec(max_cost: i64, fallback: u32) -> RunSpec {
        let route = |multiplier: u32| {
            serde_json::json!({
                "route_id": "r", "model": "m", "kind": "scripted", "multiplier": multiplier,
            })
        };
        let spec = serde_json::json!({
            "persona": {"key": "p", "version": "1"}, "prompt": "", "route": route(1_000),
            "fallbacks": [route(fallback)], "tools": [], "history_until": 0,
            "limits": { "max_cost": max_cost },
        });
        serde_json::from_value(spec).unwrap()
    }

    fn reserved(spec: &RunSpec) -> Allowance {
        let config = EngineConfig {
            reserve_cost: NanoUsd::from_nanos(50_000_000),
            reserve_tokens: 20_000,
            ..EngineConfig::default()
        };
        allowance(spec, &config)
    }

    fn once(amount: i64) -> Held {
        Held { amount, step: 0 }
    }

    fn again(amount: i64) -> Held {
        Held {
            amount,
            step: amount,
        }
    }

    #[test]
    fn a_limit_is_reserved_once() {
        let allowance = reserved(&spec(20_000_000, 1_000));
        assert_eq!(allowance.cost, once(20_000_000));
        assert_eq!(allowance.credits, once(20));
        assert_eq!(allowance.tokens, again(20_000));
        let dearer = reserved(&spec(20_000_000, 1_500));
        assert_eq!((dearer.cost, dearer.credits), (once(20_000_000), once(30)));
    }

    #[test]
    fn without_limits_it_is_step_by_step() {
        let allowance = reserved(&spec(0, 500));
        assert_eq!(allowance.cost, again(50_000_000));
        assert_eq!(allowance.credits, again(50));
        assert_eq!(allowance.tokens, again(20_000));
    }
}
