//! What the seeded runs are like.

use anyhow::{Context, Result};
use runloom_domain::{Persona, Route};
use runloom_engine::port::catalog::{FixedCatalog, RouteEntry};
use serde_json::json;

/// The course of one run. Each has a script of its own name in `scripts.json`.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scenario {
    /// Text, then the end.
    Answer,
    /// A calculation by a tool, then text.
    Calculate,
    /// A question to a person, who answers it.
    Ask,
    /// A provider that refuses.
    Fail,
    /// Cancelled while it talks.
    Endless,
}

impl Scenario {
    /// The course of the run with this number: most go well, and each kind comes up often.
    pub(super) fn of(number: usize) -> Self {
        // A fixed shuffle, so that every seeded database is alike.
        match number * 37 % 100 {
            0..45 => Self::Answer,
            45..72 => Self::Calculate,
            72..82 => Self::Ask,
            82..91 => Self::Fail,
            _ => Self::Endless,
        }
    }

    /// Name of its route and script.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Calculate => "calculate",
            Self::Ask => "ask",
            Self::Fail => "fail",
            Self::Endless => "endless",
        }
    }

    /// What the person says.
    pub(super) fn input(self) -> &'static str {
        match self {
            Self::Answer => "What should I do about the late deliveries?",
            Self::Calculate => "How much is the tax on 1240 euros?",
            Self::Ask => "Where do I find the quarter's figures?",
            Self::Fail => "Summarise the meeting.",
            Self::Endless => "Tell me everything about our pricing.",
        }
    }

    const ALL: [Self; 5] = [
        Self::Answer,
        Self::Calculate,
        Self::Ask,
        Self::Fail,
        Self::Endless,
    ];
}

/// The demo's persona, and a scripted route for each scenario.
pub(super) fn catalog() -> Result<FixedCatalog> {
    let persona: Persona = serde_json::from_value(json!({
        "key": "back-office",
        "version": "1",
        "prompt": "You help the people of a small trading company. Be brief.",
        "tools": ["calculator", "current_time", "ask_user"],
    }))
    .context("the persona can't be read")?;
    let routes = Scenario::ALL
        .into_iter()
        .map(route)
        .collect::<Result<Vec<_>>>()?;
    Ok(FixedCatalog {
        personas: vec![persona],
        routes,
    })
}

fn route(scenario: Scenario) -> Result<RouteEntry> {
    let route: Route = serde_json::from_value(json!({
        "route_id": scenario.name(),
        "model": scenario.name(),
        "kind": runloom_models::Models::SCRIPTED,
        // In nano-dollars per million tokens, as of a middling model.
        "prices": {"uncached_input": 3_000_000_000_u64, "output": 15_000_000_000_u64},
    }))
    .with_context(|| format!("the route {} can't be read", scenario.name()))?;
    Ok(RouteEntry {
        is_default: scenario == Scenario::Answer,
        ..RouteEntry::default_for(route)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_comes_up_and_most_runs_go_well() {
        let count = |wanted| (0..100).filter(|&n| Scenario::of(n) == wanted).count();
        assert!(
            Scenario::ALL
                .into_iter()
                .all(|scenario| count(scenario) >= 9)
        );
        assert!(count(Scenario::Answer) + count(Scenario::Calculate) > 70);
    }

    #[test]
    fn the_catalog_has_a_route_for_each_scenario() {
        assert_eq!(catalog().unwrap().routes.len(), Scenario::ALL.len());
    }
}
