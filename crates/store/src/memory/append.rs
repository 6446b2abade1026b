use std::collections::HashSet;
use std::hash::Hash;

use runloom_domain::{EncodedEvent, Message, ModelCall, OrgId, RunId, RunStatus, Timestamp};

use super::state::{Posted, Run, State, Thread, rejected, storable};
use crate::{Appended, Change, Intended, Intent, NewMessage, Projection, RunEnd, StoreError, Wake};

/// The types of which a run's log holds one event at most.
const TERMINAL: [&str; 3] = ["run.completed", "run.failed", "run.cancelled"];

impl State {
    pub(super) fn append(&mut self, change: Change, now: Timestamp) -> Appended {
        let owned = self
            .run(change.org_id, change.run_id)
            .filter(|run| run.owner.is_some() && run.epoch == change.epoch);
        let Some(run) = owned else {
            return Appended::Stale;
        };
        if change
            .expect_status
            .is_some_and(|expected| expected != run.status())
        {
            return Appended::Moved;
        }
        let base = run.last_seq();
        let projection = change.projection.unwrap_or_default();
        match self.write(
            change.org_id,
            change.run_id,
            change.events,
            *projection,
            now,
        ) {
            Ok(()) => Appended::Committed { base },
            Err(error) => Appended::Invalid {
                reason: refusal(&error),
            },
        }
    }

    pub(super) fn intend(
        &mut self,
        intent: Intent,
        now: Timestamp,
    ) -> Result<Intended, StoreError> {
        let (org, id) = (intent.org_id, intent.run_id);
        let expected = self.run(org, id).filter(|run| {
            run.status() == intent.expect_status
                && !run.status().is_terminal()
                && intent.expect_seq.is_none_or(|seq| seq == run.last_seq())
        });
        let Some(run) = expected else {
            return Ok(Intended::Conflict);
        };
        let base = run.last_seq();
        let takes_it = intent.projection.release.is_some();
        self.write(org, id, intent.events, intent.projection, now)?;
        if let Some(run) = self.runs.get_mut(&id) {
            run.epoch += u64::from(takes_it);
            let is_free = run.owner.is_none() && !run.status().is_terminal();
            if is_free && !takes_it {
                run.wake_at = Some(now);
            }
        }
        Ok(Intended::Applied { base })
    }

    /// Checks everything, then writes everything. The run is there.
    fn write(
        &mut self,
        org: OrgId,
        id: RunId,
        events: Vec<EncodedEvent>,
        projection: Projection,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let run = self.run(org, id).ok_or_else(|| rejected("no such run"))?;
        check_events(run, &events)?;
        self.check_projection(run, &projection)?;

        let thread_id = run.row.thread_id;
        if let Some(thread) = self.threads.get_mut(&thread_id) {
            for new in &projection.messages {
                thread.push(new, id);
            }
        }
        let end = projection.end.as_ref().map(|end| (end.at, end.credits));
        if let Some(run) = self.runs.get_mut(&id) {
            run.events.extend(events);
            run.project(projection, now);
            if let Some((at, credits)) = end {
                self.money.settle(&run.row, credits, at);
            }
        }
        Ok(())
    }

    fn check_projection(&self, run: &Run, projection: &Projection) -> Result<(), StoreError> {
        let thread = self.threads.get(&run.row.thread_id);
        let written = projection.messages.iter().map(|new| new.body.content());
        let outputs = projection.outputs.iter().map(|out| out.content.as_str());
        storable(written.chain(outputs))?;
        let stored_ids = thread
            .iter()
            .flat_map(|t| &t.messages)
            .map(|p| p.message.id);
        let new_ids = projection.messages.iter().map(|new| new.message_id);
        unique(stored_ids, new_ids, "message id")?;
        let try_of = |call: &ModelCall| (call.step, call.attempt);
        let (stored_calls, new_calls) = (run.calls.iter(), projection.calls.iter());
        unique(
            stored_calls.map(try_of),
            new_calls.map(try_of),
            "ledger row",
        )?;
        let stored_outputs = run.outputs.keys().copied();
        let new_outputs = projection.outputs.iter().map(|out| out.tool_call_id);
        unique(stored_outputs, new_outputs, "tool output")?;
        if projection.status.is_some_and(RunStatus::is_live) {
            let occupant = self.live_run(run.row.thread_id);
            if occupant.is_some_and(|live| live != run.row.run_id) {
                return Err(rejected("the thread has another live run"));
            }
        }
        Ok(())
    }
}

impl Thread {
    /// Takes a run's message at the next position.
    fn push(&mut self, new: &NewMessage, run: RunId) {
        let message = Message {
            id: new.message_id,
            org_id: self.row.org_id,
            thread_id: self.row.thread_id,
            run_id: Some(run),
            position: self.messages.len() as u64 + 1,
            body: new.body.clone(),
            created_by_user_id: None,
            created_at: new.created_at,
        };
        self.messages.push(Posted {
            message,
            hidden: false,
        });
    }
}

impl Run {
    fn project(&mut self, projection: Projection, now: Timestamp) {
        if let Some(wake) = projection.release {
            self.release(wake, now);
        }
        if !projection.messages.is_empty() {
            self.attempts = 0;
        }
        if let Some(status) = projection.status {
            self.row.status = status;
            if status.is_terminal() {
                self.release(Wake::Never, now);
            }
        }
        self.calls.extend(projection.calls);
        self.row.totals = projection.totals.unwrap_or(self.row.totals);
        let outputs = projection.outputs.into_iter();
        self.outputs
            .extend(outputs.map(|out| (out.tool_call_id, out.content)));
        if let Some(end) = projection.end {
            self.end(end);
        }
    }

    fn release(&mut self, wake: Wake, now: Timestamp) {
        self.owner = None;
        self.lost = None;
        self.attempts = 0;
        self.wake_at = match wake {
            Wake::Now => Some(now),
            Wake::After(delay) => Some(now + delay),
            Wake::Never => None,
        };
    }

    fn end(&mut self, end: RunEnd) {
        self.row.ended_at = Some(end.at);
        self.row.credits_used = Some(end.credits);
        self.row.error_class = end.error_class;
        self.row.error_message = end.error_message;
    }
}

/// Refuses NUL and a second terminal event.
fn check_events(run: &Run, events: &[EncodedEvent]) -> Result<(), StoreError> {
    storable(events.iter().flat_map(|event| {
        let private = event.private.as_deref().unwrap_or_default();
        [event.event_type.as_str(), &event.data, private]
    }))?;
    let terminal = |event: &&EncodedEvent| TERMINAL.contains(&event.event_type.as_str());
    let new = events.iter().filter(terminal).count();
    if new > 0 && run.events.iter().filter(terminal).count() + new > 1 {
        return Err(rejected("a run has one terminal event"));
    }
    Ok(())
}

/// Refuses keys that repeat a stored one or each other. Most changes bring none.
fn unique<T: Hash + Eq>(
    stored: impl Iterator<Item = T>,
    mut new: impl ExactSizeIterator<Item = T>,
    what: &str,
) -> Result<(), StoreError> {
    if new.len() == 0 {
        return Ok(());
    }
    let mut seen: HashSet<T> = stored.collect();
    if new.all(|key| seen.insert(key)) {
        return Ok(());
    }
    Err(rejected(&format!("a {what} is repeated")))
}

/// What a log line says of a refusal.
fn refusal(error: &StoreError) -> String {
    match error {
        StoreError::Rejected(source) => source.to_string(),
        other => other.to_string(),
    }
}
