//! Whether a request to end a run that was answered ended it, and soon when nothing was broken.

use super::Found;
use crate::torture::seen::Request;
use crate::torture::views::{Run, Views};

const KEPT: &str = "a request to cancel is in the log before it is answered";
const STOPS: &str = "nothing starts more than 1 s after a cancel";
const SOON: &str = "a cancelled run ends within 6 s";

/// Lease, claim and start of whatever was broken before.
const RECOVERED_MS: u64 = 20_000;
/// The bounds, with what a loaded machine adds.
const START_MS: u64 = 1_000 + 1_500;
const END_MS: u64 = 6_000 + 4_000;

pub(super) fn check(views: &Views, found: &mut Found) {
    check_kept(views, found);
    for (id, run, at_ms) in cancelled(views) {
        check_times(views, id, run, at_ms, found);
    }
}

/// Whether the requests are there, whenever they took effect.
pub(super) fn check_kept(views: &Views, found: &mut Found) {
    for (id, run, _) in cancelled(views) {
        let mut events = run.events.iter();
        if !events.any(|it| it.kind == "run.cancel_requested" || it.is_terminal()) {
            found.add(KEPT, id, "it was taken and is not there");
        }
    }
}

/// The runs whose end was asked for with success, and when that was answered.
fn cancelled(views: &Views) -> impl Iterator<Item = (&str, &Run, u64)> {
    let taken = views
        .seen
        .operations
        .iter()
        .filter(|it| it.outcome.is_success());
    taken.filter_map(|operation| {
        let Request::Cancel { run: id } = &operation.request else {
            return None;
        };
        let run = views.runs.get(id)?;
        Some((id.as_str(), run, operation.ended_ms))
    })
}

fn check_times(views: &Views, id: &str, run: &Run, at_ms: u64, found: &mut Found) {
    if !views.is_calm(at_ms.saturating_sub(RECOVERED_MS), at_ms + END_MS) {
        return;
    }
    let late = at_ms + START_MS;
    for call in &views.calls {
        if Some(&call.name) == run.name.as_ref() && call.at_ms > late {
            let what = format!(
                "model call {} at {} ms, cancel at {at_ms} ms",
                call.number, call.at_ms
            );
            found.add(STOPS, id, what);
        }
    }
    for effect in &views.effects {
        if effect.run == id && effect.seen_ms > late {
            let what = format!("{effect:?}, cancel at {at_ms} ms");
            found.add(STOPS, id, what);
        }
    }
    if let Some(seen_ms) = first_sight_of_end(views, id, run)
        && seen_ms > at_ms + END_MS
    {
        found.add(
            SOON,
            id,
            format!("cancel at {at_ms} ms, end at {seen_ms} ms"),
        );
    }
}

/// When the first client was shown the run's end.
fn first_sight_of_end(views: &Views, id: &str, run: &Run) -> Option<u64> {
    let end = run.events.last().filter(|event| event.is_terminal())?;
    let streams = views.seen.streams.iter().filter(|stream| stream.run == id);
    let lines = streams.flat_map(|stream| &stream.lines);
    lines
        .filter(|line| line.seq == end.seq)
        .map(|line| line.at_ms)
        .min()
}
