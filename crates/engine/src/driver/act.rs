//! Starting effects, and stopping them.

use super::{Committed, Driver, Effects, Stop, call};
use crate::fault;
use crate::machine::{Decision, Effect, FailedCall, Input};
use tokio::time::Instant;

impl Driver {
    /// Starts the effects of a decision that is committed.
    pub(super) async fn act(&mut self, effects: Effects) -> Result<(), Stop> {
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
                    route,
                } => {
                    let opened = call::open(&self.shared, &self.run, step, attempt, *route).await;
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

    /// A planted bug: tools begin before anybody knows that they do.
    pub(super) async fn act_too_early(&mut self, effects: &mut Effects) -> Result<(), Stop> {
        let is_tool = |effect: &mut Effect| matches!(effect, Effect::RunTool { .. });
        let tools: Effects = effects.extract_if(.., is_tool).collect();
        if tools.is_empty() {
            return Ok(());
        }
        self.act(tools).await?;
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
