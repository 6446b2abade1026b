//! What a new run is going to do.

use crate::torture::provider::script::{Failure, Script, Step};
use crate::torture::random::Random;
use serde_json::{Value, json};

/// A script for a run of this name.
pub(super) fn draw(name: String, random: &mut Random) -> Script {
    let before = random.within(0..=3);
    let mut steps: Vec<Step> = (0..before).map(|_| with_tools(random)).collect();
    steps.push(last(random));
    Script { name, steps }
}

fn with_tools(random: &mut Random) -> Step {
    let count = random.within(1..=2);
    Step {
        deltas: random.within(0..=20),
        every_ms: random.within(5..=60),
        calls: (0..count).map(|_| call(random)).collect(),
        failures: failures(random),
    }
}

/// Every third run streams for longer than it takes others to notice that a node is gone.
fn last(random: &mut Random) -> Step {
    let (deltas, every_ms) = if random.percent(35) {
        (random.within(150..=260), random.within(45..=60))
    } else {
        (random.within(5..=60), random.within(5..=60))
    };
    Step {
        deltas,
        every_ms,
        calls: Vec::new(),
        failures: failures(random),
    }
}

fn failures(random: &mut Random) -> Vec<Failure> {
    let count = if random.percent(12) {
        random.within(1..=2)
    } else {
        0
    };
    let statuses = [429, 500, 503];
    let failure = |random: &mut Random| {
        if random.percent(50) {
            Failure::Status(statuses[random.index(3)])
        } else {
            Failure::CutAfter(random.within(0..=8))
        }
    };
    (0..count).map(|_| failure(random)).collect()
}

fn call(random: &mut Random) -> (String, Value) {
    let times = json!({ "before_ms": random.within(0..=600), "after_ms": random.within(0..=900) });
    let (tool, arguments) = match random.within(0..=99) {
        0..=39 => ("effect_once", times),
        40..=59 => ("effect_keyed", times),
        60..=74 => ("effect_pure", times),
        75..=84 => ("calculator", json!({ "expression": "6*7" })),
        _ => ("ask_user", json!({ "question": "Which?" })),
    };
    (tool.to_owned(), arguments)
}
