//! A batch as arrays, one for each column.

use runloom_domain::{ModelCall, RunStatus, RunTotals};
use runloom_store::{Change, Projection, RunEnd, Wake};

use super::queries::project;
use crate::rows::message::Extras;
use crate::rows::run::NewCallRow;
use crate::rows::signed;
use crate::types::{At, Id};

/// The changes themselves; `place` is a change's number in the batch, by which the other
/// tables refer to it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) place: Vec<i64>,
    pub(super) org: Vec<Id>,
    pub(super) run: Vec<Id>,
    pub(super) epoch: Vec<i64>,
    pub(super) expected: Vec<Option<&'static str>>,
    pub(super) events: Vec<i64>,
    pub(super) status: Vec<Option<&'static str>>,
    pub(super) lets_go: Vec<bool>,
    pub(super) wake_micros: Vec<Option<i64>>,
    pub(super) progress: Vec<bool>,
}

/// The events; `nth` counts from 1 within the change.
#[derive(Debug, Default)]
pub(super) struct Events<'a> {
    pub(super) place: Vec<i64>,
    pub(super) nth: Vec<i64>,
    pub(super) event_type: Vec<&'a str>,
    pub(super) data: Vec<&'a str>,
    pub(super) private: Vec<Option<&'a str>>,
    pub(super) created_at: Vec<At>,
}

/// The messages; `nth` counts from 1 within the change.
#[derive(Debug, Default)]
pub(super) struct Messages<'a> {
    pub(super) place: Vec<i64>,
    pub(super) nth: Vec<i64>,
    pub(super) id: Vec<Id>,
    pub(super) role: Vec<&'static str>,
    pub(super) content: Vec<&'a str>,
    pub(super) tool_calls: Vec<Option<String>>,
    pub(super) provider: Vec<Option<String>>,
    pub(super) tool_call: Vec<Option<Id>>,
    pub(super) tool_name: Vec<Option<&'a str>>,
    pub(super) created_at: Vec<At>,
}

/// The ledger rows.
#[derive(Debug, Default)]
pub(super) struct Calls<'a> {
    pub(super) place: Vec<i64>,
    pub(super) step: Vec<i64>,
    pub(super) attempt: Vec<i64>,
    pub(super) route: Vec<&'a str>,
    pub(super) model: Vec<&'a str>,
    pub(super) uncached_input: Vec<i64>,
    pub(super) cache_read: Vec<i64>,
    pub(super) cache_write: Vec<i64>,
    pub(super) output: Vec<i64>,
    pub(super) source: Vec<&'static str>,
    pub(super) cost: Vec<i64>,
    pub(super) multiplier: Vec<i64>,
    pub(super) created_at: Vec<At>,
}

/// The tool outputs.
#[derive(Debug, Default)]
pub(super) struct Outputs<'a> {
    pub(super) place: Vec<i64>,
    pub(super) call: Vec<Id>,
    pub(super) content: Vec<&'a str>,
}

/// Totals and ends; what a change leaves as it is, is null.
#[derive(Debug, Default)]
pub(super) struct Wide<'a> {
    pub(super) place: Vec<i64>,
    pub(super) uncached_input: Vec<Option<i64>>,
    pub(super) cache_read: Vec<Option<i64>>,
    pub(super) cache_write: Vec<Option<i64>>,
    pub(super) output: Vec<Option<i64>>,
    pub(super) cost: Vec<Option<i64>>,
    pub(super) ended_at: Vec<Option<At>>,
    pub(super) error_class: Vec<Option<&'a str>>,
    pub(super) error_message: Vec<Option<&'a str>>,
    pub(super) credits: Vec<Option<i64>>,
}

/// All of a batch.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    pub(super) asked: Asked,
    pub(super) events: Events<'a>,
    pub(super) messages: Messages<'a>,
    pub(super) calls: Calls<'a>,
    pub(super) outputs: Outputs<'a>,
    pub(super) wide: Wide<'a>,
}

impl<'a> Columns<'a> {
    /// The changes of `batch` at the given places, in the order of their runs' keys: in this
    /// order they are locked.
    pub(super) fn new(batch: &'a [Change], places: &[usize]) -> Self {
        let mut changes: Vec<(i64, &Change)> = places
            .iter()
            .filter_map(|place| Some((*place as i64, batch.get(*place)?)))
            .collect();
        changes.sort_by_key(|(_, change)| (change.org_id, change.run_id));
        let mut columns = Self::default();
        for (place, change) in changes {
            columns.push(place, change);
        }
        columns
    }

    /// Whether nothing but events is written.
    pub(super) fn is_plain(&self) -> bool {
        let Asked {
            status,
            lets_go,
            wake_micros,
            progress,
            ..
        } = &self.asked;
        status.iter().all(Option::is_none)
            && wake_micros.iter().all(Option::is_none)
            && !lets_go.contains(&true)
            && !progress.contains(&true)
            && self.calls.place.is_empty()
            && self.outputs.place.is_empty()
            && self.wide.place.is_empty()
    }

    fn push(&mut self, place: i64, change: &'a Change) {
        self.asked.push(place, change);
        for (nth, event) in (1..).zip(&change.events) {
            self.events.place.push(place);
            self.events.nth.push(nth);
            self.events.event_type.push(&event.event_type);
            self.events.data.push(&event.data);
            self.events.private.push(event.private.as_deref());
            self.events.created_at.push(At(event.created_at));
        }
        if let Some(projection) = &change.projection {
            self.project(place, change, projection);
        }
    }

    fn project(&mut self, place: i64, change: &'a Change, projection: &'a Projection) {
        self.messages.push(place, projection);
        let at = project::time(&change.events, projection);
        for call in &projection.calls {
            let row = NewCallRow::new(change.org_id, change.run_id, at.unwrap_or_default(), call);
            self.calls.push(place, &row, call);
        }
        for output in &projection.outputs {
            self.outputs.place.push(place);
            self.outputs.call.push(output.tool_call_id.into());
            self.outputs.content.push(&output.content);
        }
        if projection.totals.is_some() || projection.end.is_some() {
            self.wide
                .push(place, projection.totals, projection.end.as_ref());
        }
    }
}

impl Asked {
    fn push(&mut self, place: i64, change: &Change) {
        let projection = change.projection.as_deref();
        let status = projection.and_then(|p| p.status);
        let release = projection.and_then(|p| p.release);
        let ended = status.is_some_and(RunStatus::is_terminal);
        let wake = match (ended, release) {
            (false, Some(Wake::Now)) => Some(0),
            (false, Some(Wake::After(wait))) => {
                Some(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
            }
            _ => None,
        };
        let lets_go = ended || release.is_some();
        let writes = projection.is_some_and(|p| !p.messages.is_empty());
        self.place.push(place);
        self.org.push(change.org_id.into());
        self.run.push(change.run_id.into());
        self.epoch.push(signed(change.epoch));
        self.expected
            .push(change.expect_status.map(RunStatus::as_str));
        self.events.push(change.events.len() as i64);
        self.status.push(status.map(RunStatus::as_str));
        self.lets_go.push(lets_go);
        self.wake_micros.push(wake);
        self.progress.push(lets_go || writes);
    }
}

impl<'a> Messages<'a> {
    fn push(&mut self, place: i64, projection: &'a Projection) {
        for (nth, message) in (1..).zip(&projection.messages) {
            let body = &message.body;
            let extras = Extras::of(body);
            self.place.push(place);
            self.nth.push(nth);
            self.id.push(message.message_id.into());
            self.role.push(body.role().as_str());
            self.content.push(body.content());
            self.tool_calls.push(extras.tool_calls);
            self.provider.push(extras.provider);
            self.tool_call.push(extras.tool_call_id);
            self.tool_name.push(extras.tool_name);
            self.created_at.push(At(message.created_at));
        }
    }
}

impl<'a> Calls<'a> {
    fn push(&mut self, place: i64, row: &NewCallRow<'a>, call: &'a ModelCall) {
        self.place.push(place);
        self.step.push(row.step);
        self.attempt.push(row.attempt);
        self.route.push(&call.route_id);
        self.model.push(&call.model);
        self.uncached_input.push(row.uncached_input_tokens);
        self.cache_read.push(row.cache_read_tokens);
        self.cache_write.push(row.cache_write_tokens);
        self.output.push(row.output_tokens);
        self.source.push(row.source);
        self.cost.push(row.cost_nanos);
        self.multiplier.push(row.multiplier_thousandths);
        self.created_at.push(row.created_at);
    }
}

impl<'a> Wide<'a> {
    fn push(&mut self, place: i64, totals: Option<RunTotals>, end: Option<&'a RunEnd>) {
        let tokens = totals.map(|totals| totals.tokens);
        self.place.push(place);
        self.uncached_input
            .push(tokens.map(|t| signed(t.uncached_input_tokens)));
        self.cache_read
            .push(tokens.map(|t| signed(t.cache_read_tokens)));
        self.cache_write
            .push(tokens.map(|t| signed(t.cache_write_tokens)));
        self.output.push(tokens.map(|t| signed(t.output_tokens)));
        self.cost.push(totals.map(|totals| totals.cost.as_nanos()));
        self.ended_at.push(end.map(|end| At(end.at)));
        self.error_class
            .push(end.and_then(|end| end.error_class.as_deref()));
        self.error_message
            .push(end.and_then(|end| end.error_message.as_deref()));
        self.credits.push(end.map(|end| end.credits));
    }
}
