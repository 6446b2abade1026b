//! Whether accounts add up, and each call of the provider is charged at most once.

use super::Found;
use crate::torture::views::{Event, ModelCall, ProviderCall, Run, Totals, Views};
use runloom_domain::NanoUsd;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const LEDGER: &str = "the ledger holds each model call that the log has ended, once";
const SUMS: &str = "totals are the sums of the ledger";
const CREDIT: &str = "a run that has ended has one credit entry";
const CHARGED_ONCE: &str = "a provider call is charged at most once, by what it reported";
const KNOWN_CALL: &str = "a model call is in the log before the provider gets it";

/// The rows of one run against its log.
pub(super) fn check_rows(id: &str, run: &Run, found: &mut Found) {
    let mut logged: Vec<ModelCall> = run.events.iter().filter_map(ended_call).collect();
    let mut rows = run.calls.clone();
    let order = |call: &ModelCall| (call.step, call.attempt);
    logged.sort_by_key(order);
    rows.sort_by_key(order);
    if logged != rows {
        found.add(LEDGER, id, format!("log: {logged:?}; rows: {rows:?}"));
    }
    let sums = sum(&rows);
    if sums != run.totals {
        let what = format!("rows: {sums:?}; run: {:?}", run.totals);
        found.add(SUMS, id, what);
    }
    let end = run.events.iter().find(|event| event.is_terminal());
    let shown = end.map(|event| &event.data["totals"]);
    if let Some(shown) = shown {
        check_shown(id, shown, sums, found);
    }
    let credited = shown.and_then(|shown| shown["credits_used"].as_i64());
    if credited != run.credits {
        let what = format!("log: {credited:?}; entry: {:?}", run.credits);
        found.add(CREDIT, id, what);
    }
}

fn check_shown(id: &str, shown: &Value, sums: Totals, found: &mut Found) {
    let dollars = NanoUsd::from_nanos(sums.cost_nanos).as_dollars();
    let same = shown["total_input_tokens"].as_i64() == Some(sums.input)
        && shown["total_output_tokens"].as_i64() == Some(sums.output)
        && shown["total_cost_usd"]
            .as_f64()
            .is_some_and(|cost| (cost - dollars).abs() < 1e-9);
    if !same {
        found.add(SUMS, id, format!("shown: {shown}; rows: {sums:?}"));
    }
}

/// The model call that ended with this event.
fn ended_call(event: &Event) -> Option<ModelCall> {
    let private = event.private.as_ref().filter(|it| it["kind"] == "call")?;
    let call = &private["call"];
    let usage = &call["usage"];
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let input = [
        "uncached_input_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
    ];
    Some(ModelCall {
        step: call["step"].as_u64()?,
        attempt: call["attempt"].as_u64()?,
        reported: usage["source"] == "reported",
        totals: Totals {
            input: input.iter().map(|name| number(&usage[*name])).sum(),
            output: number(&usage["output_tokens"]),
            cost_nanos: number(&call["cost"]),
        },
    })
}

fn sum(rows: &[ModelCall]) -> Totals {
    rows.iter().fold(Totals::default(), |sums, row| Totals {
        input: sums.input + row.totals.input,
        output: sums.output + row.totals.output,
        cost_nanos: sums.cost_nanos + row.totals.cost_nanos,
    })
}

/// The rows of all runs against the provider's own ledger. The provider reports the number of a
/// call as its output, so that each charge names its call.
pub(super) fn check_provider(views: &Views, found: &mut Found) {
    let mut by_name: BTreeMap<&str, Vec<&ProviderCall>> = BTreeMap::new();
    for call in &views.calls {
        by_name.entry(&call.name).or_default().push(call);
    }
    let mut charged = BTreeSet::new();
    for (id, run) in &views.runs {
        let name = run.name.as_deref().unwrap_or_default();
        let calls = by_name.remove(name).unwrap_or_default();
        check_charges(id, run, &calls, &mut charged, found);
        check_starts(id, run, &calls, found);
    }
    for (name, calls) in by_name {
        found.add_general(
            KNOWN_CALL,
            format!("{} calls for {name}, which is no run", calls.len()),
        );
    }
}

fn check_charges(
    id: &str,
    run: &Run,
    calls: &[&ProviderCall],
    charged: &mut BTreeSet<i64>,
    found: &mut Found,
) {
    for row in run.calls.iter().filter(|row| row.reported) {
        let number = row.totals.output;
        let is_it = |call: &&&ProviderCall| {
            call.number as i64 == number && call.step == row.step && call.reported
        };
        if calls.iter().find(is_it).is_none() {
            found.add(CHARGED_ONCE, id, format!("nothing reported {row:?}"));
        }
        if !charged.insert(number) {
            found.add(
                CHARGED_ONCE,
                id,
                format!("call {number} is charged again: {row:?}"),
            );
        }
    }
    for event in run.events.iter().filter(|it| it.kind == "step.completed") {
        if ended_call(event).is_none_or(|call| !call.reported) {
            let what = format!("event {}: what was reported is not charged", event.seq);
            found.add(CHARGED_ONCE, id, what);
        }
    }
}

/// The provider got no more calls of a step than the log has begun.
fn check_starts(id: &str, run: &Run, calls: &[&ProviderCall], found: &mut Found) {
    let mut begun: BTreeMap<u64, i64> = BTreeMap::new();
    for event in run.events.iter().filter(|it| it.kind == "step.started") {
        *begun.entry(event.number("step")).or_default() += 1;
    }
    for call in calls {
        let left = begun.entry(call.step).or_default();
        *left -= 1;
        if *left < 0 {
            let what = format!(
                "call {} of step {}, which wasn't begun",
                call.number, call.step
            );
            found.add(KNOWN_CALL, id, what);
        }
    }
}
