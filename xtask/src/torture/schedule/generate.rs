//! Actions from a seed.

use super::{Action, Scheduled, Target};
use crate::torture::profile::Profile;
use crate::torture::random::Random;
use std::collections::HashMap;

/// How long a target is left alone after an action, so that it has come back before the next.
const REST_MS: u64 = 1_500;

/// Actions for `length_ms`, in the order of their times. The same arguments make the same ones.
pub(crate) fn generate(
    seed: u64,
    nodes: usize,
    length_ms: u64,
    profile: Profile,
) -> Vec<Scheduled> {
    if profile == Profile::Upgrade {
        return rolling(seed, nodes, length_ms);
    }
    let mut random = Random::of(seed, 0);
    let mut free_at: HashMap<Target, u64> = HashMap::new();
    let mut actions = Vec::new();
    let mut at_ms = 2_000;
    while at_ms < length_ms {
        let action = any(&mut random, nodes);
        let free = free_at.entry(action.target()).or_default();
        if *free <= at_ms {
            *free = at_ms + action.lasts_ms() + REST_MS;
            actions.push(Scheduled { at_ms, action });
        }
        at_ms += random.within(300..=4_500);
    }
    actions
}

/// Clean restarts of one node after the other.
fn rolling(seed: u64, nodes: usize, length_ms: u64) -> Vec<Scheduled> {
    let mut random = Random::of(seed, 0);
    let (mut at_ms, mut actions) = (3_000, Vec::new());
    while at_ms < length_ms {
        let action = Action::Stop {
            node: actions.len() % nodes,
            down_ms: random.within(0..=1_500),
        };
        actions.push(Scheduled { at_ms, action });
        at_ms += random.within(3_500..=6_000);
    }
    actions
}

fn any(random: &mut Random, nodes: usize) -> Action {
    let node = random.index(nodes);
    match random.within(0..=99) {
        0..=21 => Action::Kill {
            node,
            down_ms: random.within(100..=6_000),
        },
        22..=38 => Action::Pause {
            node,
            for_ms: pause(random),
        },
        39..=48 => Action::Stop {
            node,
            down_ms: random.within(100..=3_000),
        },
        49..=51 => Action::Skew {
            node,
            seconds: [-3_600, -300, 300, 3_600][random.index(4)],
            for_ms: random.within(10_000..=20_000),
        },
        52..=56 => Action::KillDatabase {
            down_ms: random.within(100..=4_000),
        },
        57..=61 => Action::PauseDatabase {
            for_ms: random.within(1_000..=10_000),
        },
        62..=64 => Action::KillNats {
            down_ms: random.within(500..=10_000),
        },
        65..=66 => Action::PauseNats {
            for_ms: random.within(1_000..=10_000),
        },
        67..=72 => Action::Delay {
            node,
            ms: random.within(5..=200),
            for_ms: random.within(2_000..=8_000),
        },
        73..=79 => Action::Hold {
            node,
            for_ms: hold(random),
        },
        80..=86 => Action::Cut { node },
        87..=96 => Action::CutAfterCommit {
            node,
            times: random.within(1..=4),
        },
        _ => Action::HoldNats {
            node,
            for_ms: random.within(1_000..=10_000),
        },
    }
}

/// Short pauses, and such that are a little longer than a lease of 15 s, which is when another
/// node has just taken the runs.
fn pause(random: &mut Random) -> u64 {
    match random.within(0..=9) {
        0..=3 => random.within(1_000..=8_000),
        4..=8 => random.within(15_500..=22_000),
        _ => random.within(22_000..=60_000),
    }
}

fn hold(random: &mut Random) -> u64 {
    if random.percent(70) {
        random.within(500..=6_000)
    } else {
        random.within(12_000..=20_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_schedule() {
        let make = |seed| generate(seed, 3, 120_000, Profile::Safety);
        assert_eq!(make(5), make(5));
        assert_ne!(make(5), make(6));
    }

    #[test]
    fn actions_never_hold_one_target_together() {
        let mut until: HashMap<Target, u64> = HashMap::new();
        for scheduled in generate(11, 3, 600_000, Profile::Safety) {
            let free = until.entry(scheduled.action.target()).or_default();
            assert!(*free <= scheduled.at_ms, "{scheduled:?}");
            *free = scheduled.at_ms + scheduled.action.lasts_ms();
        }
        assert!(until.len() >= 8, "{until:?}");
    }
}
