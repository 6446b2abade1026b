//! Starting effects, and stopping them.

use std::sync::Arc;

use runloom_domain::event::{CallPurpose, ToolProgress};
use runloom_domain::{EventBody, Message, NewEvent, Route};
use runloom_store::{Projection, StoreError};
use tokio::time::Instant;

use super::{Committed, Driver, Effects, Stop, call, history, open, summary};
use crate::fault;
use crate::machine::{Decision, Effect, FailedCall, Input, Phase};

/// What a run sees of its thread, or why it can't be read.
pub(super) type History = Result<Vec<Message>, StoreError>;

impl Driver {
    /// Starts the effects of a decision that is committed. `early` is the run's history if it
    /// has been read already.
    pub(super) async fn act(
        &mut self,
        effects: Effects,
        mut early: Option<History>,
    ) -> Result<(), Stop> {
        self.run.due = false;
        if self.deadline.is_none() {
            // A run that was queued has only now begun to count its time.
            self.deadline = super::deadline(&self.shared, &self.run.state);
        }
        for effect in effects {
            // A node whose lease may have ended starts nothing.
            if !self.shared.lease.is_held() {
                return Err(Stop::Lost);
            }
            match effect {
                Effect::CallModel {
                    step,
                    attempt,
                    purpose,
                    route,
                } => {
                    let at = open::At {
                        step,
                        attempt,
                        purpose,
                    };
                    let opened = self.open_call(at, *route, early.take()).await;
                    self.call = Some(opened.map_err(|error| {
                        let run_id = self.run.run_id;
                        tracing::error!(%run_id, error = %error, "the history can't be read");
                        Stop::Broken
                    })?);
                }
                Effect::RunTool {
                    tool_call_id,
                    tool_name,
                    arguments,
                } => {
                    self.tools
                        .start(&self.shared, &self.run, tool_call_id, &tool_name, arguments);
                }
                Effect::Wait(time) => self.timer = Some(Instant::now() + time),
                Effect::LetGo => return Err(Stop::LetGo),
            }
        }
        Ok(())
    }

    async fn open_call(
        &mut self,
        at: open::At,
        route: Route,
        early: Option<History>,
    ) -> Result<call::LiveCall, StoreError> {
        let messages = match (at.purpose, early) {
            (Some(CallPurpose::Summary), _) => {
                return summary::open(&self.shared, &self.run, at, route).await;
            }
            (None, Some(read)) => read?,
            (None, None) => history::load(&self.shared, (&self.run).into()).await?,
        };
        let messages = summary::shown_before(&self.run, messages);
        open::open(&self.shared, &self.run, at, route, messages).await
    }

    /// Reads the history that the decision's model call will be sent, if that can be done while
    /// the decision is committed: a step that begins writes no message itself.
    pub(super) fn early_history(
        &self,
        decision: &Decision,
    ) -> impl Future<Output = Option<History>> + use<> {
        let calls = |effect: &Effect| matches!(effect, Effect::CallModel { .. });
        let says = |projection: &Projection| !projection.messages.is_empty();
        let is_begun = matches!(self.run.state.phase, Phase::Ready(_));
        let reader = (is_begun
            && decision.effects.iter().any(calls)
            && !decision.projection.as_deref().is_some_and(says))
        .then(|| history::Reader::from(&self.run));
        let shared = Arc::clone(&self.shared);
        async move {
            match reader {
                Some(reader) => Some(history::load(&shared, reader).await),
                None => None,
            }
        }
    }

    /// A planted bug: tools begin before anybody knows that they do.
    pub(super) async fn act_too_early(&mut self, effects: &mut Effects) -> Result<(), Stop> {
        let is_tool = |effect: &mut Effect| matches!(effect, Effect::RunTool { .. });
        let tools: Effects = effects.extract_if(.., is_tool).collect();
        if tools.is_empty() {
            return Ok(());
        }
        self.act(tools, None).await?;
        // Time for the effect to happen.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        fault::point("after_effect");
        Ok(())
    }

    /// Takes what the model has sent: appends its deltas, or passes its end on.
    pub(super) async fn take_progress(
        &mut self,
        progress: call::Progress,
    ) -> Result<Option<Input>, Stop> {
        self.pending = progress.deltas(&self.shared);
        if let Some(end) = progress.end {
            let Some(call) = self.call.take() else {
                return Ok(None);
            };
            return Ok(Some(call.into_input(end, &self.shared)));
        }
        let nothing = Decision {
            events: vec![],
            projection: None,
            effects: vec![],
        };
        // Deltas depend on no status: what was said before a cancel request was said.
        match self.commit(nothing, None).await? {
            Committed::Yes | Committed::Moved => Ok(None),
        }
    }

    /// Reads the definitions of the run's tools before calls are decided on.
    pub(super) async fn know_tools(&mut self, input: &Input) -> Result<(), Stop> {
        let calls = match input {
            Input::ModelFinished(answer) => !answer.calls.is_empty(),
            _ => matches!(self.run.state.phase, Phase::Tools { .. }),
        };
        let spec = &self.run.state.spec;
        if calls && self.pinned.is_empty() && !spec.tools.is_empty() {
            let pinned = self.shared.pinned(self.run.org_id, &spec.tools).await;
            self.pinned = pinned.map_err(|error| {
                let run_id = self.run.run_id;
                tracing::error!(%run_id, error = %error, "the tools' definitions can't be read");
                Stop::Broken
            })?;
        }
        Ok(())
    }

    /// Shows how far tool calls are. It depends on no status, as deltas don't.
    pub(super) async fn show(&mut self, reports: Vec<ToolProgress>) -> Result<(), Stop> {
        let events = reports.into_iter().map(EventBody::ToolProgress);
        let progress = Decision {
            events: events.map(NewEvent::public).collect(),
            projection: None,
            effects: vec![],
        };
        match self.commit(progress, None).await? {
            Committed::Yes | Committed::Moved => Ok(()),
        }
    }

    /// Stops the model call and the tools, and waits until the tools have let go.
    pub(super) async fn stop_work(&mut self) {
        self.call = None;
        self.timer = None;
        self.tools.stop().await;
    }

    /// The same; returns what the model call had used and said.
    pub(super) async fn stop_work_with_cut(&mut self) -> Option<FailedCall> {
        let cut = self.call.take().map(call::LiveCall::into_cut);
        self.stop_work().await;
        cut
    }
}
