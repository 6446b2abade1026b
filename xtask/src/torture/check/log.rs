//! Whether a run's log is one that a single owner at a time can have written.

use super::Found;
use crate::torture::views::{Event, Run};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const DENSE: &str = "seq is dense from 1";
const ONE_END: &str = "a run has one terminal event and nothing after it";
const STATUS: &str = "the status is what the log says";
const ENDS: &str = "a run ends once everything is healed";
const ONE_OWNER: &str = "only the owner writes to a run";
const ONE_RESULT: &str = "a tool call has one result before the next model call";
const ONCE: &str = "a tool that must not happen twice is not started twice unasked";
const APPROVED: &str = "a tool that asks runs only when a person approved";
const CANCELLED: &str = "nothing is begun once the end was asked for";
const INPUT: &str = "an input answers an open request, once";

pub(super) fn check(id: &str, run: &Run, found: &mut Found) {
    check_rows(id, run, found);
    let mut log = Log::new(id, found);
    for event in &run.events {
        log.take(event);
    }
    log.finish(run);
}

fn check_rows(id: &str, run: &Run, found: &mut Found) {
    for (index, event) in run.events.iter().enumerate() {
        if event.seq != index as u64 + 1 {
            return found.add(
                DENSE,
                id,
                format!("{} is at place {}", event.seq, index + 1),
            );
        }
    }
    if run.last_seq != run.events.len() as u64 {
        let (last, count) = (run.last_seq, run.events.len());
        found.add(
            DENSE,
            id,
            format!("the row says {last}, the log has {count}"),
        );
    }
}

/// A request of people.
struct Asked {
    kind: String,
    call: String,
}

/// A tool call whose result isn't there yet.
#[derive(Default)]
struct Open {
    starts: u64,
    asks: bool,
    approved: bool,
    retries: u64,
    tool: String,
}

struct Log<'a> {
    run: &'a str,
    found: &'a mut Found,
    seq: u64,
    started: bool,
    ended: Option<String>,
    cancelling: bool,
    /// The step and the attempt of the model call under way, and whether its owner is gone.
    calling: Option<(u64, u64)>,
    orphaned: bool,
    /// The last attempt that was begun, with its step.
    begun: (u64, u64),
    completed: u64,
    said: String,
    /// Calls that the model asked for and that the log hasn't named yet.
    wanted: BTreeSet<String>,
    open: BTreeMap<String, Open>,
    requests: BTreeMap<String, Asked>,
    classes: BTreeMap<String, String>,
}

impl<'a> Log<'a> {
    fn new(run: &'a str, found: &'a mut Found) -> Self {
        Self {
            run,
            found,
            seq: 0,
            started: false,
            ended: None,
            cancelling: false,
            calling: None,
            orphaned: false,
            begun: (0, 0),
            completed: 0,
            said: String::new(),
            wanted: BTreeSet::new(),
            open: BTreeMap::new(),
            requests: BTreeMap::new(),
            classes: BTreeMap::new(),
        }
    }

    fn bad(&mut self, rule: &'static str, what: impl std::fmt::Display) {
        let what = format!("event {}: {what}", self.seq);
        self.found.add(rule, self.run, what);
    }

    fn demand(&mut self, holds: bool, rule: &'static str, what: impl std::fmt::Display) {
        if !holds {
            self.bad(rule, what);
        }
    }

    fn take(&mut self, event: &Event) {
        self.seq = event.seq;
        let ended = self.ended.is_some();
        self.demand(!ended, ONE_END, format!("{} after the end", event.kind));
        self.read_spec(event);
        match event.kind.as_str() {
            "run.queued" => self.demand(event.seq == 1, ONE_OWNER, "queued in the middle"),
            "run.started" => self.start(),
            "run.resumed" => self.orphaned = self.calling.is_some(),
            "step.started" => self.begin_step(event),
            "message.delta" | "reasoning.delta" => self.delta(event),
            "step.retried" => self.retry(event),
            "step.completed" => self.complete_step(event),
            "tool.call" => self.call(event),
            "tool.started" => self.start_tool(event),
            "tool.result" => self.result(event),
            "run.waiting_for_input" => self.wait(event),
            "run.input_received" => self.input(event),
            "run.cancel_requested" => {
                let again = self.cancelling;
                self.demand(!again, CANCELLED, "asked for twice");
                self.cancelling = true;
            }
            _ => {}
        }
        if event.is_terminal() {
            self.end(event);
        }
    }

    fn read_spec(&mut self, event: &Event) {
        let tools = event.private.as_ref().map(|it| &it["spec"]["tools"]);
        for tool in tools.and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| tool[name].as_str().unwrap_or_default().to_owned();
            self.classes.insert(text("name"), text("class"));
        }
    }

    fn start(&mut self) {
        let again = self.started;
        self.demand(!again, ONE_OWNER, "started twice");
        self.started = true;
    }

    fn begin_step(&mut self, event: &Event) {
        let (step, attempt) = (event.number("step"), event.number("attempt"));
        let (last, done) = (self.begun, self.completed);
        let due = if last.0 == step { last.1 + 1 } else { 1 };
        self.demand(self.started, ONE_OWNER, "a step before the start");
        self.demand(!self.cancelling, CANCELLED, "a model call");
        self.demand(
            self.calling.is_none(),
            ONE_OWNER,
            "a model call during another",
        );
        self.demand(
            step == done + 1 && attempt == due,
            ONE_OWNER,
            format!("step {step}, attempt {attempt} after {last:?}, {done} steps completed"),
        );
        self.demand_settled("the next model call");
        self.begun = (step, attempt);
        self.calling = Some(self.begun);
        self.orphaned = false;
        self.said.clear();
    }

    fn demand_settled(&mut self, before: &str) {
        let open: Vec<String> = self.open.keys().chain(&self.wanted).cloned().collect();
        self.demand(
            open.is_empty(),
            ONE_RESULT,
            format!("no result of {open:?} before {before}"),
        );
    }

    /// What belongs to a model call must be of the one under way, whose owner is still there.
    fn demand_calling(&mut self, event: &Event) {
        let of = (event.number("step"), event.number("attempt"));
        let of = if event.kind == "step.completed" {
            (of.0, self.calling.map_or(0, |(_, attempt)| attempt))
        } else {
            of
        };
        let calling = self.calling;
        self.demand(
            calling == Some(of),
            ONE_OWNER,
            format!("{} of {of:?} during {calling:?}", event.kind),
        );
        let orphaned = self.orphaned && event.kind != "step.retried";
        self.demand(
            !orphaned,
            ONE_OWNER,
            format!("{} of an owner that is gone", event.kind),
        );
    }

    fn delta(&mut self, event: &Event) {
        self.demand_calling(event);
        if event.kind == "message.delta" {
            self.said.push_str(event.text("content"));
        }
    }

    fn retry(&mut self, event: &Event) {
        self.demand_calling(event);
        self.calling = None;
    }

    fn complete_step(&mut self, event: &Event) {
        self.demand_calling(event);
        self.calling = None;
        self.completed = event.number("step");
        let message = &event.data["message"];
        let told = message["content"].as_str().unwrap_or_default();
        let said = std::mem::take(&mut self.said);
        self.demand(
            told == said,
            ONE_OWNER,
            format!("the message {told:?} was streamed as {said:?}"),
        );
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let id = call["tool_call_id"].as_str().unwrap_or_default();
            self.wanted.insert(id.to_owned());
        }
    }

    fn call(&mut self, event: &Event) {
        let id = event.text("tool_call_id").to_owned();
        let wanted = self.wanted.remove(&id);
        self.demand(wanted, ONE_OWNER, format!("nobody asked for {id}"));
        let open = Open {
            asks: event.text("approval") == "ask",
            tool: event.text("tool_name").to_owned(),
            ..Open::default()
        };
        self.open.insert(id, open);
    }

    fn start_tool(&mut self, event: &Event) {
        let id = event.text("tool_call_id");
        self.demand(!self.cancelling, CANCELLED, format!("a start of {id}"));
        let Some(mut open) = self.open.remove(id) else {
            return self.bad(ONE_RESULT, format!("a start of {id}, which isn't open"));
        };
        open.starts += 1;
        let (starts, retries) = (open.starts, open.retries);
        let once = self.classes.get(&open.tool).is_some_and(|it| it == "once");
        self.demand(
            !once || starts <= retries + 1,
            ONCE,
            format!("start {starts} of {id} after {retries} times retry"),
        );
        self.demand(!open.asks || open.approved, APPROVED, id);
        self.open.insert(id.to_owned(), open);
    }

    fn result(&mut self, event: &Event) {
        let id = event.text("tool_call_id");
        let was_open = self.open.remove(id).is_some();
        self.demand(was_open, ONE_RESULT, format!("a second result of {id}"));
    }

    fn wait(&mut self, event: &Event) {
        for request in event.data["requests"].as_array().into_iter().flatten() {
            let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
            let asked = Asked {
                kind: text("kind"),
                call: text("tool_call_id"),
            };
            self.requests.insert(text("request_id"), asked);
        }
    }

    fn input(&mut self, event: &Event) {
        let id = event.text("request_id");
        let Some(asked) = self.requests.remove(id) else {
            return self.bad(INPUT, format!("nothing asks for {id}"));
        };
        let decision = event.text("decision");
        if let Some(open) = self.open.get_mut(&asked.call) {
            open.approved |= asked.kind == "tool_approval" && decision != "reject";
            open.retries += u64::from(decision == "retry");
        }
    }

    fn end(&mut self, event: &Event) {
        self.demand_settled("the end");
        let completed = event.kind == "run.completed";
        let (calling, cancelling) = (self.calling.is_some(), self.cancelling);
        self.demand(
            !(completed && calling),
            ONE_OWNER,
            "completed during a model call",
        );
        self.demand(
            cancelling == (event.kind == "run.cancelled"),
            CANCELLED,
            format!("ended by {}", event.kind),
        );
        self.ended = Some(event.kind.clone());
    }

    fn finish(mut self, run: &Run) {
        let expected = match self.ended.as_deref() {
            Some(kind) => kind.trim_start_matches("run."),
            None => "",
        }
        .to_owned();
        if expected.is_empty() {
            let status = &run.status;
            self.bad(ENDS, format!("it is {status}, owned: {}", run.owned));
        } else {
            self.demand(
                expected == run.status,
                STATUS,
                format!("{expected} in the log, {} in the row", run.status),
            );
            self.demand(!run.owned, STATUS, "it has ended and is owned");
        }
    }
}
