use std::collections::BTreeMap;

use crate::{Data, Event};

/// Checks what holds of every run's log: `seq` is dense from 1, at most one terminal event and
/// nothing after it, exactly one result for each tool call and none left open when the model is
/// called again or the run ends, each step's message is what its deltas said, no delta is of an
/// attempt that was given up, nothing is begun once the run is to be cancelled, and times are
/// written in one way.
#[track_caller]
pub fn check_log(events: &[Event]) {
    let mut open: BTreeMap<String, u64> = BTreeMap::new();
    let mut said: BTreeMap<(u64, u64), String> = BTreeMap::new();
    let (mut completed, mut cancelling, mut newest) = (0, false, (0, 0));
    for (index, event) in events.iter().enumerate() {
        let (seq, data) = (event.seq, &event.data);
        assert_eq!(seq, index as u64 + 1, "seq is dense: {events:#?}");
        let last = index + 1 == events.len();
        assert!(
            last || !event.is_terminal(),
            "{seq} is an end in the middle"
        );
        check_time(&event.created_at);
        let begins = ["step.started", "tool.started"].contains(&event.kind.as_str());
        assert!(!(cancelling && begins), "{seq}: begun though cancelled");
        cancelling |= event.kind == "run.cancel_requested";
        let number = |field: &str| data[field].as_u64().unwrap_or_default();
        let call = || data["tool_call_id"].as_str().unwrap_or_default().to_owned();
        match event.kind.as_str() {
            "step.started" => {
                assert!(open.is_empty(), "{seq}: no result yet for {open:?}");
                assert_eq!(number("step"), completed + 1, "{seq}: steps are dense");
            }
            "message.delta" => {
                let text = data["content"].as_str().unwrap_or_default();
                let attempt = (number("step"), number("attempt"));
                assert!(attempt >= newest, "{seq}: a delta of {attempt:?}, given up");
                newest = attempt;
                let whole = said.entry(attempt);
                whole.or_default().push_str(text);
            }
            "step.retried" => newest = (number("step"), number("attempt") + 1),
            "step.completed" => {
                completed += 1;
                assert_eq!(number("step"), completed, "{seq}: a step is done once");
                let attempts = said.range((completed, 0)..=(completed, u64::MAX));
                let deltas = attempts.last().map_or("", |(_, text)| text);
                assert_eq!(data["message"]["content"], deltas, "{seq}");
            }
            "tool.call" => {
                let again = open.insert(call(), seq);
                assert_eq!(again, None, "{seq}: a call has its own id");
            }
            "tool.result" => {
                assert!(open.remove(&call()).is_some(), "{seq}: a second result");
            }
            _ => {}
        }
        if event.is_terminal() {
            assert!(
                open.is_empty(),
                "{seq}: ended without a result for {open:?}"
            );
        }
    }
}

/// The same for a run that must have ended in this way; returns the last event.
#[track_caller]
pub fn check_ended<'a>(events: &'a [Event], kind: &str) -> &'a Event {
    check_log(events);
    let last = events.last().expect("a run has events");
    assert_eq!(last.kind, kind, "{:#}", last.data);
    last
}

/// Checks the effects of tools against the logs of runs, each with its id: each effect happened
/// at most as often as the log says that its tool was started, and what must not happen twice
/// didn't, on whatever nodes.
#[track_caller]
pub fn check_effects<'a>(data: &Data, runs: impl IntoIterator<Item = (&'a str, &'a [Event])>) {
    let (mut known, mut once) = (Vec::new(), Vec::new());
    let mut left: BTreeMap<String, u64> = BTreeMap::new();
    for (run, events) in runs {
        known.push(run);
        let key = |event: &Event| {
            let call = event.data["tool_call_id"].as_str().expect("an id");
            format!("{run}/{call}")
        };
        for event in events {
            match event.kind.as_str() {
                "tool.started" => *left.entry(key(event)).or_default() += 1,
                "tool.call" if event.data["tool_name"] == "effect_once" => once.push(key(event)),
                _ => {}
            }
        }
    }
    for key in &once {
        left.entry(key.clone()).and_modify(|starts| *starts = 1);
    }
    for key in data.effects() {
        let run = key.split('/').next().unwrap_or_default();
        if known.contains(&run) {
            let starts = left.get_mut(&key).filter(|starts| **starts > 0);
            *starts.unwrap_or_else(|| panic!("{key} happened once too often")) -= 1;
        }
    }
}

/// `2026-01-01T00:00:00.000Z`.
#[track_caller]
fn check_time(time: &str) {
    let shape: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{time}");
}
