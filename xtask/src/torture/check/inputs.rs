//! Whether each input that was answered counts, once.

use super::Found;
use crate::torture::seen::Request;
use crate::torture::views::Views;
use std::collections::BTreeMap;

const LOGGED: &str = "an input is in the log before it is answered";
const ONCE: &str = "an input counts once";

pub(super) fn check(views: &Views, found: &mut Found) {
    let mut taken: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for operation in &views.seen.operations {
        if let (
            Request::Input {
                run, request_id, ..
            },
            true,
        ) = (&operation.request, operation.outcome.is_success())
        {
            *taken.entry((run, request_id)).or_default() += 1;
        }
    }
    for ((run, request), count) in taken {
        if count > 1 {
            found.add(ONCE, run, format!("{request} was taken {count} times"));
        }
        let events = views.runs.get(run).map(|run| run.events.iter());
        let received = events.into_iter().flatten().filter(|event| {
            event.kind == "run.input_received" && event.text("request_id") == request
        });
        match received.count() {
            0 => found.add(LOGGED, run, format!("{request} was taken and is not there")),
            1 => {}
            more => found.add(ONCE, run, format!("{request} is there {more} times")),
        }
    }
}
