use std::collections::BTreeMap;

use runloom_domain::event::{
    RunCancelled, RunCompleted, RunFailed, ShownTotals, ToolFailure, ToolResulted,
};
use runloom_domain::{
    Event, EventBody, EventPrivate, MessageBody, ModelCall, NewEvent, RunTotals, credits_for,
};
use runloom_store::{NewMessage, Projection, RunEnd, ToolOutput, Wake};

use super::{Context, Decision, Effect, RunState};

/// A decision in the making: events are folded into a copy of the state as they are added, so
/// that what is decided next sees them. Their seqs are provisional; nothing depends on them.
pub(super) struct Draft<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) state: RunState,
    before: runloom_domain::RunStatus,
    events: Vec<NewEvent>,
    projection: Projection,
    projected: bool,
    effects: Vec<Effect>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &RunState, cx: &'a Context<'a>) -> Self {
        Self {
            cx,
            state: state.clone(),
            before: state.status,
            events: Vec::new(),
            projection: Projection::default(),
            projected: false,
            effects: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, body: EventBody) {
        self.push_with(body, None);
    }

    pub(super) fn push_with(&mut self, body: EventBody, private: Option<EventPrivate>) {
        let event = Event {
            seq: self.state.last_seq + 1,
            created_at: self.cx.now,
            body,
            private,
        };
        self.state.apply(&event);
        self.events.push(NewEvent {
            body: event.body,
            private: event.private,
        });
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Whether this decision starts the call.
    pub(super) fn starts(&self, id: runloom_domain::ToolCallId) -> bool {
        self.effects
            .iter()
            .any(|e| matches!(e, Effect::RunTool { tool_call_id, .. } if *tool_call_id == id))
    }

    /// Whether one more call may run.
    pub(super) fn has_room(&self) -> bool {
        let is_start = |effect: &&Effect| matches!(effect, Effect::RunTool { .. });
        let starts = self.effects.iter().filter(is_start).count();
        self.cx.running.len() + starts < self.cx.max_parallel
    }

    /// Whether this decision starts any call.
    pub(super) fn starts_any(&self) -> bool {
        self.effects
            .iter()
            .any(|effect| matches!(effect, Effect::RunTool { .. }))
    }

    /// Writes a ledger row; the event that ends the call carries the private payload that
    /// this returns, so that the log alone tells what the run cost.
    pub(super) fn charge(&mut self, call: ModelCall) -> EventPrivate {
        self.projection.calls.push(call.clone());
        self.projected = true;
        EventPrivate::Call {
            call,
            provider: None,
            provider_call_ids: BTreeMap::new(),
        }
    }

    pub(super) fn message(&mut self, body: MessageBody) {
        self.projection.messages.push(NewMessage {
            message_id: (self.cx.message_id)(),
            body,
            created_at: self.cx.now,
        });
        self.projected = true;
    }

    /// The one result of a call, for clients and for the model.
    pub(super) fn tool_result(&mut self, result: ToolResulted) {
        self.tool_result_with(result, None);
    }

    /// The same, with what only the engine reads of it.
    pub(super) fn tool_result_with(&mut self, result: ToolResulted, private: Option<EventPrivate>) {
        let content = match (&result.content, &result.error) {
            (Some(content), _) if result.truncated => {
                format!("{content}\n[cut here: the whole output was longer]")
            }
            (Some(content), _) => content.clone(),
            (None, Some(error)) => format!("error: {}", error.message),
            (None, None) => String::new(),
        };
        self.message(MessageBody::Tool {
            tool_call_id: result.tool_call_id,
            tool_name: result.tool_name.clone(),
            content,
        });
        self.push_with(EventBody::ToolResult(result), private);
    }

    /// A result that says why there is none.
    pub(super) fn tool_error(&mut self, call: &super::Call, class: &str, message: String) {
        self.tool_result(ToolResulted {
            tool_call_id: call.id,
            tool_name: call.name.clone(),
            content: None,
            error: Some(ToolFailure {
                error_class: class.to_owned(),
                message,
            }),
            duration_ms: 0,
            truncated: false,
        });
    }

    pub(super) fn output(&mut self, output: ToolOutput) {
        self.projection.outputs.push(output);
        self.projected = true;
    }

    /// Gives the run up until `wake`.
    pub(super) fn release(&mut self, wake: Wake) {
        self.projection.release = Some(wake);
        self.projected = true;
        self.effects.push(Effect::LetGo);
    }

    /// Ends the run with an error; `cut` is the model call that ended with it.
    pub(super) fn fail(&mut self, error_class: &str, message: &str, cut: Option<ModelCall>) {
        // Whoever asked for the end has been told that it will come so.
        if self.state.cancel_requested {
            return self.cancelled(cut);
        }
        super::settle::close_calls(self);
        let error = Some((error_class, message));
        let totals = self.settle_accounts(cut.as_ref(), error);
        let body = EventBody::RunFailed(RunFailed {
            error_class: error_class.to_owned(),
            message: message.to_owned(),
            totals,
        });
        self.end(body, cut);
    }

    /// Ends the run with the model's last answer.
    pub(super) fn complete(&mut self) {
        let totals = self.settle_accounts(None, None);
        let output = self.state.output.clone();
        self.end(
            EventBody::RunCompleted(RunCompleted { output, totals }),
            None,
        );
    }

    /// Ends the run because someone asked.
    pub(super) fn cancelled(&mut self, cut: Option<ModelCall>) {
        super::settle::close_calls(self);
        let reason = self.state.cancel_reason.clone();
        let totals = self.settle_accounts(cut.as_ref(), None);
        let body = EventBody::RunCancelled(RunCancelled {
            reason: reason.unwrap_or_else(|| "requested".to_owned()),
            totals,
        });
        self.end(body, cut);
    }

    /// The final totals, and the credit entry that goes with them.
    fn settle_accounts(
        &mut self,
        cut: Option<&ModelCall>,
        error: Option<(&str, &str)>,
    ) -> ShownTotals {
        let totals = cut.map_or(self.state.totals, |call| self.state.totals.plus(call));
        let costs = self
            .state
            .costs
            .iter()
            .copied()
            .chain(cut.map(|c| (c.cost, c.multiplier)));
        let credits = credits_for(costs, self.state.spec.credit_rate);
        self.projection.end = Some(RunEnd {
            at: self.cx.now,
            credits,
            error_class: error.map(|(class, _)| class.to_owned()),
            error_message: error.map(|(_, message)| message.to_owned()),
        });
        ShownTotals::new(&totals, credits)
    }

    fn end(&mut self, body: EventBody, cut: Option<ModelCall>) {
        let private = cut.map(|call| self.charge(call));
        self.push_with(body, private);
        self.effect(Effect::LetGo);
    }

    pub(super) fn finish(mut self) -> Decision {
        if self.state.status != self.before {
            self.projection.status = Some(self.state.status);
            self.projected = true;
        }
        if !self.projection.calls.is_empty() {
            let totals: RunTotals = self.state.totals;
            self.projection.totals = Some(totals);
        }
        Decision {
            events: self.events,
            projection: self.projected.then(|| Box::new(self.projection)),
            effects: self.effects,
        }
    }
}
