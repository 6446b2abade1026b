//! `wait_agents`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{EventPrivate, OrgId, RunId};
use runloom_store::{RunRecord, StoreError};
use serde::Deserialize;
use serde_json::Value;

use super::{Said, later, results};
use crate::driver::Owned;
use crate::machine::{Call, Children};
use crate::port::tool::{ToolError, ToolReply};
use crate::shared::Shared;

/// How long a call rests until it looks again, if no child's end wakes it. Only a node that dies
/// between a child's end and the waking makes a parent wait for it.
const REST: Duration = Duration::from_secs(5);

/// So many rests are that short. Each leaves two events, so those of a wait for hours, as when a
/// child waits for a person, grow with it, to the longest.
const SHORT_RESTS: u32 = 24;
const LONGEST: Duration = Duration::from_mins(1);

/// A call, with what its run knows of its children.
pub(crate) struct Wait {
    shared: Arc<Shared>,
    org_id: OrgId,
    run_id: RunId,
    children: Children,
    attempt: u32,
    /// How long it may yet wait; absent when it may for ever.
    patience: Option<Duration>,
}

#[derive(Default, Deserialize)]
struct Arguments {
    run_ids: Option<Vec<String>>,
}

impl Wait {
    pub(super) fn new(shared: &Arc<Shared>, run: &Owned, call: &Call) -> Self {
        let now = shared.parts.clock.now();
        let limit = run.state.spec.limits.waiting_seconds;
        let waited = now.since(call.begun_at.unwrap_or(now));
        let patience = Duration::from_secs(limit).saturating_sub(waited);
        Self {
            shared: shared.clone(),
            org_id: run.org_id,
            run_id: run.run_id,
            children: run.state.children.clone(),
            attempt: call.starts,
            patience: (limit != 0).then_some(patience),
        }
    }

    pub(super) async fn call(self, arguments: Value) -> Said {
        match self.results(&arguments).await {
            Ok(said) => said,
            Err(error) => later(&error, self.attempt).into(),
        }
    }

    async fn results(&self, arguments: &Value) -> Result<Said, StoreError> {
        let store = &*self.shared.parts.store;
        let children = store.children(self.org_id, self.run_id).await?;
        let mut meant = match meant(&children, arguments) {
            Ok(meant) => meant,
            Err(error) => return Ok(Err(error).into()),
        };
        // Calls of one step make their runs at the same time, in any order.
        meant.sort_by_key(|run| self.children.place(run.run_id));
        let is_over = self.patience == Some(Duration::ZERO);
        if !is_over && meant.iter().any(|run| !run.status.is_terminal()) {
            let rest = self.patience.into_iter().chain([rest(self.attempt)]);
            let rest = rest.min().unwrap_or(REST);
            return Ok(Ok(ToolReply::NotYet(rest)).into());
        }
        let found = results::read(store, &meant, &self.children).await?;
        let private = Some(found.settled).filter(|runs| !runs.is_empty());
        Ok(Said {
            result: Ok(found.text.into()),
            private: private.map(|runs| EventPrivate::Settled { runs }),
        })
    }
}

fn rest(attempt: u32) -> Duration {
    let longer = attempt.saturating_sub(SHORT_RESTS);
    REST.saturating_add(Duration::from_secs(longer.into()))
        .min(LONGEST)
}

/// Whether all children that a call waits for have ended.
pub(super) fn is_over(children: &[RunRecord], arguments: &Value) -> bool {
    let meant = meant(children, arguments);
    meant.is_ok_and(|meant| meant.iter().all(|run| run.status.is_terminal()))
}

/// The children that a call is about. Any other run is none that
/// the model may know of, whosever it is.
fn meant<'a>(
    children: &'a [RunRecord],
    arguments: &Value,
) -> Result<Vec<&'a RunRecord>, ToolError> {
    let arguments = Arguments::deserialize(arguments)
        .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
    let named = arguments.run_ids.unwrap_or_default();
    if children.is_empty() && named.is_empty() {
        let message = "this run has started no agents";
        return Err(ToolError::invalid_arguments(message));
    }
    let mut wanted = BTreeSet::new();
    for name in &named {
        let id = name.parse::<RunId>().ok();
        let own = id.filter(|id| children.iter().any(|run| run.run_id == *id));
        let unknown = || {
            let message = format!("run_ids: this run has started no agent {name:?}");
            ToolError::invalid_arguments(message)
        };
        wanted.insert(own.ok_or_else(unknown)?);
    }
    let is_wanted = |run: &&RunRecord| named.is_empty() || wanted.contains(&run.run_id);
    Ok(children.iter().filter(is_wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_are_short_for_two_minutes_and_grow_to_a_minute() {
        let seconds = |attempt| rest(attempt).as_secs();
        assert_eq!([1, SHORT_RESTS].map(seconds), [5, 5]);
        assert_eq!([30, 79, 80, u32::MAX].map(seconds), [11, 60, 60, 60]);
    }
}
