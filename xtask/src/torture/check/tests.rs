//! Views that are right, and for each promise such as only a broken server can bring about.

use super::check;
use crate::torture::seen::{Line, Operation, Outcome, Request, Stream};
use crate::torture::views::{Effect, Event, Message, ModelCall, ProviderCall, Run, Totals, Views};
use serde_json::{Value, json};

const RUN: &str = "run-1";
const CALL: &str = "call-1";

fn event(seq: u64, kind: &str, data: Value, private: Option<Value>) -> Event {
    Event {
        seq,
        kind: kind.to_owned(),
        line: format!("{{\"seq\":{seq},\"type\":\"{kind}\",\"data\":{data}}}"),
        data,
        private,
    }
}

fn charge(step: u64, output: i64) -> Value {
    json!({ "kind": "call", "call": { "step": step, "attempt": 1, "cost": 10,
        "usage": { "uncached_input_tokens": 100, "cache_read_tokens": 0,
            "cache_write_tokens": 0, "output_tokens": output, "source": "reported" } } })
}

fn row(step: u64, output: i64) -> ModelCall {
    ModelCall {
        step,
        attempt: 1,
        reported: true,
        totals: Totals {
            input: 100,
            output,
            cost_nanos: 10,
        },
    }
}

/// A run that asks a person, calls a tool that must not happen twice, and completes.
fn log() -> Vec<Event> {
    let spec = json!({ "kind": "spec", "spec": { "tools": [
        { "name": "effect_once", "class": "once" }] } });
    let totals = json!({ "total_input_tokens": 200, "total_output_tokens": 3,
        "total_cost_usd": 20e-9, "credits_used": 1 });
    let delta = |step| json!({ "content": "a", "step": step, "attempt": 1 });
    let asks = json!({ "requests": [{ "request_id": "request-1", "kind": "tool_approval",
        "tool_call_id": CALL }] });
    let events = [
        ("run.started", json!({}), Some(spec)),
        ("step.started", json!({ "step": 1, "attempt": 1 }), None),
        ("message.delta", delta(1), None),
        (
            "step.completed",
            json!({ "step": 1, "message": { "content": "a",
                "tool_calls": [{ "tool_call_id": CALL }] } }),
            Some(charge(1, 1)),
        ),
        (
            "tool.call",
            json!({ "tool_call_id": CALL, "tool_name": "effect_once", "approval": "ask" }),
            None,
        ),
        ("run.waiting_for_input", asks, None),
        (
            "run.input_received",
            json!({ "request_id": "request-1", "decision": "approve" }),
            None,
        ),
        (
            "tool.started",
            json!({ "tool_call_id": CALL, "attempt": 1 }),
            None,
        ),
        (
            "tool.result",
            json!({ "tool_call_id": CALL, "content": "" }),
            None,
        ),
        ("step.started", json!({ "step": 2, "attempt": 1 }), None),
        ("message.delta", delta(2), None),
        (
            "step.completed",
            json!({ "step": 2, "message": { "content": "a", "tool_calls": [] } }),
            Some(charge(2, 2)),
        ),
        (
            "run.completed",
            json!({ "output": "a", "totals": totals }),
            None,
        ),
    ];
    numbered(events.map(|(kind, data, private)| event(0, kind, data, private)))
}

fn numbered(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let numbers = 1..;
    let events = events.into_iter().zip(numbers);
    events
        .map(|(it, seq)| event(seq, &it.kind, it.data, it.private))
        .collect()
}

fn answered(request: Request, status: u16, id: Option<&str>) -> Operation {
    Operation {
        client: 0,
        node: 0,
        began_ms: 100_000,
        ended_ms: 100_100,
        request,
        outcome: Outcome::Answered {
            status,
            code: None,
            id: id.map(str::to_owned),
            trace: None,
        },
    }
}

fn created() -> Operation {
    let request = Request::Create {
        name: "c0-1".to_owned(),
        thread: "thread-1".to_owned(),
    };
    answered(request, 201, Some(RUN))
}

fn input() -> Operation {
    let request = Request::Input {
        run: RUN.to_owned(),
        request_id: "request-1".to_owned(),
        content: "approve".to_owned(),
    };
    answered(request, 200, None)
}

fn provider_call(number: u64, step: u64) -> ProviderCall {
    ProviderCall {
        number,
        name: "c0-1".to_owned(),
        step,
        at_ms: 100_000,
        reported: true,
        ..ProviderCall::default()
    }
}

fn effect() -> Effect {
    Effect {
        run: RUN.to_owned(),
        tool_call_id: CALL.to_owned(),
        node: 0,
        seen_ms: 100_000,
    }
}

fn shown(events: &[Event]) -> Stream {
    let line = |event: &Event| Line {
        at_ms: 100_000,
        seq: event.seq,
        data: event.line.clone(),
    };
    Stream {
        run: RUN.to_owned(),
        status: Some(200),
        lines: events.iter().map(line).collect(),
        ..Stream::default()
    }
}

fn message(position: u64, role: &str) -> Message {
    Message {
        position,
        role: role.to_owned(),
        ..Message::default()
    }
}

fn good() -> Views {
    let events = log();
    let mut views = Views::default();
    views.seen.streams.push(shown(&events));
    views.seen.operations.extend([created(), input()]);
    views.calls = vec![provider_call(1, 1), provider_call(2, 2)];
    views.effects.push(effect());
    let mut asks = message(2, "assistant");
    asks.calls.push(CALL.to_owned());
    let mut result = message(3, "tool");
    result.tool_call_id = Some(CALL.to_owned());
    let messages = vec![message(1, "user"), asks, result];
    views.threads.insert("thread-1".to_owned(), messages);
    let run = Run {
        name: Some("c0-1".to_owned()),
        status: "completed".to_owned(),
        last_seq: events.len() as u64,
        owned: false,
        events,
        calls: vec![row(1, 1), row(2, 2)],
        totals: Totals {
            input: 200,
            output: 3,
            cost_nanos: 20,
        },
        credits: Some(1),
    };
    views.runs.insert(RUN.to_owned(), run);
    views
}

/// The rules that are broken once `change` has been made.
#[track_caller]
fn broken(change: impl FnOnce(&mut Views)) -> Vec<&'static str> {
    let mut views = good();
    change(&mut views);
    let mut rules: Vec<&str> = check(&views).iter().map(|it| it.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// The same for a change of the log, which clients were shown as it is.
#[track_caller]
fn broken_log(change: impl FnOnce(&mut Vec<Event>)) -> Vec<&'static str> {
    broken(|views| {
        let run = views.runs.get_mut(RUN).unwrap();
        change(&mut run.events);
        run.events = numbered(std::mem::take(&mut run.events));
        run.last_seq = run.events.len() as u64;
        views.seen.streams = vec![shown(&run.events)];
    })
}

fn place(events: &[Event], kind: &str) -> usize {
    events.iter().position(|event| event.kind == kind).unwrap()
}

#[test]
fn a_proper_run_breaks_nothing() {
    assert_eq!(check(&good()), []);
}

#[test]
fn events_that_clients_saw_must_be_there() {
    let durable = ["an event that was shown is durable and never changes"];
    assert_eq!(
        broken(|it| it.seen.streams[0].lines[2].data.push(' ')),
        durable
    );
    let beyond = broken(|it| {
        let mut line = it.seen.streams[0].lines[12].clone();
        line.seq = 14;
        it.seen.streams[0].lines.push(line);
    });
    assert_eq!(beyond, durable);
    let ahead = broken(|it| it.seen.streams[0].status = Some(409));
    assert_eq!(ahead, durable);
    let gap = broken(|it| drop(it.seen.streams[0].lines.remove(3)));
    assert_eq!(
        gap,
        ["a stream goes on where it was asked to, without gaps"]
    );
}

#[test]
fn seq_is_dense() {
    let rules = broken(|it| it.runs.get_mut(RUN).unwrap().last_seq = 14);
    assert_eq!(rules, ["seq is dense from 1"]);
}

#[test]
fn a_creation_that_was_answered_made_one_run() {
    let rules = broken(|it| {
        let Outcome::Answered { id, .. } = &mut it.seen.operations[0].outcome else {
            unreachable!("it was answered")
        };
        *id = Some("run-2".to_owned());
    });
    assert_eq!(rules, ["a run whose creation was answered exists"]);
    let twins = broken(|it| {
        let mut twin = it.runs[RUN].clone();
        twin.calls.clear();
        twin.events.truncate(1);
        it.runs.insert("run-2".to_owned(), twin);
    });
    assert!(
        twins.contains(&"one idempotency key makes one run"),
        "{twins:?}"
    );
}

#[test]
fn a_run_ends_once() {
    let rules = broken_log(|events| events.push(events[12].clone()));
    assert_eq!(rules, ["a run has one terminal event and nothing after it"]);
    let rules = broken(|it| it.runs.get_mut(RUN).unwrap().status = "failed".to_owned());
    assert_eq!(rules, ["the status is what the log says"]);
}

#[test]
fn each_call_has_its_result_before_the_next_model_call() {
    let at = place(&log(), "tool.result");
    let rule = "a tool call has one result before the next model call";
    assert!(broken_log(|it| drop(it.remove(at))).contains(&rule));
    assert_eq!(broken_log(|it| it.insert(at, it[at].clone())), [rule]);
}

#[test]
fn an_owner_that_is_gone_writes_nothing() {
    let rule = ["only the owner writes to a run"];
    let at = place(&log(), "message.delta");
    let resumed = event(0, "run.resumed", json!({}), None);
    assert_eq!(broken_log(|it| it.insert(at, resumed)), rule);
    let begun = place(&log(), "step.started");
    assert_eq!(broken_log(|it| it.insert(begun, it[begun].clone())), rule);
    let late = broken_log(|it| it.insert(at + 2, it[at].clone()));
    assert_eq!(late, rule);
    assert_eq!(broken_log(|it| it.insert(at, it[at].clone())), rule);
}

#[test]
fn what_must_not_happen_twice_is_not_started_twice() {
    let at = place(&log(), "tool.started");
    let rules = broken_log(|it| it.insert(at, it[at].clone()));
    assert_eq!(
        rules,
        ["a tool that must not happen twice is not started twice unasked"]
    );
    let unapproved = broken_log(|it| drop(it.drain(at - 2..at)));
    assert!(unapproved.contains(&"a tool that asks runs only when a person approved"));
}

#[test]
fn effects_follow_their_intents() {
    let twice = broken(|it| it.effects.push(effect()));
    assert_eq!(
        twice,
        ["an effect happens at most once for each start of its call"]
    );
    let at = place(&log(), "tool.started");
    let early = broken_log(|it| drop(it.remove(at)));
    assert_eq!(early, ["an intent is in the log before its effect"]);
}

#[test]
fn an_input_that_was_answered_counts_once() {
    let twice = broken(|it| it.seen.operations.push(input()));
    assert_eq!(twice, ["an input counts once"]);
    let lost = broken(|it| {
        if let Request::Input { request_id, .. } = &mut it.seen.operations[1].request {
            *request_id = "request-2".to_owned();
        }
    });
    assert_eq!(lost, ["an input is in the log before it is answered"]);
}

#[test]
fn a_cancel_that_was_answered_holds() {
    let cancel = || {
        let run = RUN.to_owned();
        answered(Request::Cancel { run }, 200, None)
    };
    assert_eq!(broken(|it| it.seen.operations.push(cancel())), [""; 0]);
    let late = |it: &mut Views| {
        it.seen.operations.push(cancel());
        it.calls[1].at_ms = 103_000;
    };
    assert_eq!(
        broken(late),
        ["nothing starts more than 1 s after a cancel"]
    );
    let excused = |it: &mut Views| {
        late(it);
        it.faults.push((90_000, 95_000));
    };
    assert_eq!(broken(excused), [""; 0]);
    let ignored = broken_log(|it| {
        it.insert(1, event(0, "run.cancel_requested", json!({}), None));
    });
    assert_eq!(ignored, ["nothing is begun once the end was asked for"]);
}

#[test]
fn accounts_add_up() {
    let run = |views: &mut Views| views.runs.remove(RUN).unwrap();
    let with = |change: fn(&mut Run)| {
        broken(move |it| {
            let mut changed = run(it);
            change(&mut changed);
            it.runs.insert(RUN.to_owned(), changed);
        })
    };
    let ledger = with(|it| it.calls.push(row(3, 3)));
    assert!(ledger.contains(&"the ledger holds each model call that the log has ended, once"));
    let sums = with(|it| it.totals.output += 1);
    assert_eq!(sums, ["totals are the sums of the ledger"]);
    let credit = with(|it| it.credits = None);
    assert_eq!(credit, ["a run that has ended has one credit entry"]);
    let invented = broken(|it| it.calls[1].number = 7);
    assert_eq!(
        invented,
        ["a provider call is charged at most once, by what it reported"]
    );
    let unknown = broken(|it| it.calls.push(provider_call(3, 2)));
    assert_eq!(
        unknown,
        ["a model call is in the log before the provider gets it"]
    );
}

#[test]
fn conversations_are_whole() {
    let unpaired = broken(|it| drop(it.threads.get_mut("thread-1").unwrap().pop()));
    assert_eq!(
        unpaired,
        ["each tool call of a message has one result behind it"]
    );
    let gap = broken(|it| it.threads.get_mut("thread-1").unwrap()[2].position = 4);
    assert_eq!(gap, ["positions of messages are dense from 1"]);
    let refused = broken(|it| it.calls[0].bad_history = Some("dangling".to_owned()));
    assert_eq!(
        refused,
        ["a provider is never sent a history that it would refuse"]
    );
}

#[test]
fn unknown_failures_and_panics_are_never_right() {
    let failed = broken(|it| it.seen.operations.push(answered(Request::List, 500, None)));
    assert_eq!(failed, ["no failure is an unknown one"]);
    let panicked = broken(|it| it.bad_log_lines.push("panicked at".to_owned()));
    assert_eq!(panicked, ["nothing panics"]);
}
