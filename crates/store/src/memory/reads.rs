use runloom_domain::{
    EventBody, Message, OrgId, RunId, RunStatus, StoredEvent, ThreadId, ToolCallId, UserKind,
};

use super::lists::{in_order, newest_first};
use super::state::{Run, State};
use crate::{Content, HistoryPart, Page, PageKey, Paged, RunFilter, RunHead, RunRecord};

impl State {
    pub(super) fn head(&self, org: OrgId, run: RunId) -> Option<RunHead> {
        self.run(org, run).map(|run| RunHead {
            thread_id: run.row.thread_id,
            status: run.status(),
            last_seq: run.last_seq(),
            epoch: run.epoch,
            owned: run.owner.is_some(),
            events_expired: run.expired,
        })
    }

    /// The run's events above `after` that are `wanted`.
    pub(super) fn events(
        &self,
        (org, run): (OrgId, RunId),
        after: u64,
        limit: u32,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<StoredEvent> {
        let run = self.run(org, run);
        let (deleted, log) = run.map_or((0, &[][..]), |run| (run.deleted, &run.events));
        (deleted + 1..)
            .zip(log)
            .filter(|(seq, event)| *seq > after && wanted(&event.event_type))
            .take(limit as usize)
            .map(|(seq, event)| StoredEvent {
                seq,
                event: event.clone(),
            })
            .collect()
    }

    pub(super) fn history(
        &self,
        (org, thread): (OrgId, ThreadId),
        run: RunId,
        part: HistoryPart,
    ) -> Vec<Message> {
        // A run of a deleted thread goes on until it is cancelled, and still has its history.
        let thread = self.threads.get(&thread).filter(|t| t.row.org_id == org);
        let mut seen: Vec<Message> = thread
            .iter()
            .flat_map(|thread| thread.messages.iter().rev())
            .filter(|posted| !posted.hidden)
            .map(|posted| &posted.message)
            .filter(|message| message.position < part.before)
            .filter(|message| message.position <= part.until || message.run_id == Some(run))
            .filter(|message| message.run_id == Some(run) || !self.is_of_open_run(message))
            .take(part.limit as usize)
            .cloned()
            .collect();
        seen.reverse();
        seen
    }

    /// Whether the message was sent with a run that has not ended. A thread's runs are worked
    /// on one after the other, so to the one at work all the others of these are still to come.
    fn is_of_open_run(&self, message: &Message) -> bool {
        let run = message.run_id.and_then(|run| self.runs.get(&run));
        run.is_some_and(|run| !run.status().is_terminal())
    }

    pub(super) fn contents(&self, org: OrgId, hashes: Vec<String>) -> Vec<Content> {
        hashes
            .into_iter()
            .filter_map(|hash| {
                let body = self.contents.get(&(org, hash.clone()))?.clone();
                Some(Content { hash, body })
            })
            .collect()
    }

    pub(super) fn tool_output(&self, org: OrgId, run: RunId, call: ToolCallId) -> Option<String> {
        self.run(org, run)?.outputs.get(&call).cloned()
    }

    pub(super) fn run_record(&self, run: &Run) -> RunRecord {
        let creator = self.accounts.get(&run.row.created_by);
        let person = creator.filter(|account| account.kind == UserKind::Person);
        RunRecord {
            created_by_name: creator.map(|account| account.login.clone()),
            created_by_email: person.map(|account| account.email.clone()),
            ..run.row.clone()
        }
    }

    pub(super) fn run_list(&self, org: OrgId, filter: &RunFilter, page: Page) -> Paged<RunRecord> {
        let wanted = |run: &&Run| {
            run.row.org_id == org
                && filter.thread_id.is_none_or(|id| id == run.row.thread_id)
                && has_parent(filter, run.row.parent_run_id)
                && filter.created_by.is_none_or(|id| id == run.row.created_by)
                && has_status(filter, run.status())
        };
        let runs = self.runs.values().filter(wanted);
        let records = runs.map(|run| self.run_record(run)).collect();
        let key = |run: &RunRecord| PageKey {
            created_at: run.created_at,
            id: run.run_id.as_uuid(),
        };
        if filter.goes_by_id() {
            return in_order(records, page, key, |key| key.id);
        }
        newest_first(records, page, key)
    }
}

fn has_parent(filter: &RunFilter, parent: Option<RunId>) -> bool {
    if filter.is_without_children() {
        return parent.is_none();
    }
    filter.parent_run_id.is_none_or(|id| parent == Some(id))
}

fn has_status(filter: &RunFilter, status: RunStatus) -> bool {
    filter.statuses.is_empty() || filter.statuses.contains(&status)
}

/// Whether an event is needed to rebuild a run.
pub(super) fn is_logged(event_type: &str) -> bool {
    !EventBody::is_delta_type(event_type)
}
