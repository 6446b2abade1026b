//! Whether what tools did outside is what the log says that they might have done.

use super::Found;
use crate::torture::views::{Run, Views};
use std::collections::BTreeMap;

const INTENT: &str = "an intent is in the log before its effect";
const BOUNDED: &str = "an effect happens at most once for each start of its call";

pub(super) fn check(views: &Views, found: &mut Found) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for effect in &views.effects {
        *counts
            .entry((&effect.run, &effect.tool_call_id))
            .or_default() += 1;
    }
    for ((run, call), count) in counts {
        match views.runs.get(run).map_or(0, |run| starts(run, call)) {
            0 => found.add(
                INTENT,
                run,
                format!("{call} took effect and was never started"),
            ),
            starts if count > starts => {
                let what = format!("{call} took effect {count} times in {starts} starts");
                found.add(BOUNDED, run, what);
            }
            _ => {}
        }
    }
}

fn starts(run: &Run, call: &str) -> usize {
    let events = run.events.iter();
    events
        .filter(|event| event.kind == "tool.started" && event.text("tool_call_id") == call)
        .count()
}
