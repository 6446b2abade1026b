use runloom_domain::{Message, MessageBody, RunStatus, RunTotals, Timestamp};

use super::state::{Posted, Run, State, rejected, storable};
use crate::{
    CreateRun, CreatedRun, FirstEvent, LiveScope, NewRun, OnBusy, Once, Remaining, RunRecord,
    StoreError,
};

impl State {
    pub(super) fn create_run(
        &mut self,
        mut new: NewRun,
        now: Timestamp,
    ) -> Result<Once<CreateRun>, StoreError> {
        if let Some(answer) = self.replay(new.once.as_ref(), now) {
            return Ok(answer);
        }
        self.check_thread(&new)?;
        if let Some(refused) = self.refuse_creation(&new) {
            return Ok(Once::Done(refused));
        }
        let hold = match self.plan_hold(&new) {
            Ok(hold) => hold,
            Err(refused) => return Ok(Once::Done(refused)),
        };
        let first = self.first_event(&new);
        let event = (new.first_event)(first, hold.is_some());
        storable(texts(&new).chain([event.data.as_str()]))?;
        if self.runs.contains_key(&new.run_id) {
            return Err(rejected("a run id is repeated"));
        }

        let once = new.once.take();
        let granted = match &hold {
            Some(hold) => self.money.granted(hold),
            None => Some(Remaining::default()),
        };
        self.money.hold(new.org_id, new.run_id, hold);
        let root_thread = self.root_thread(&new);
        self.make_thread(&new);
        self.write_thread(&mut new);
        for content in new.contents.drain(..) {
            self.contents
                .entry((new.org_id, content.hash))
                .or_insert(content.body);
        }
        let created = CreatedRun {
            first,
            event: event.clone(),
            epoch: u64::from(starts(first) && new.owner.is_some()),
            granted,
        };
        let mut run = new_run(new, first, now);
        run.turn = self.runs.len();
        run.root_thread = root_thread;
        run.events.push(event);
        self.runs.insert(run.row.run_id, run);
        self.keep(once, now);
        Ok(Once::Done(CreateRun::Created(Box::new(created))))
    }

    /// Why the run can't be created, in the order in which a caller wants to know.
    fn refuse_creation(&self, new: &NewRun) -> Option<CreateRun> {
        let thread = self.thread(new.org_id, new.thread_id);
        if new.parent.is_some() && self.parent(new).is_none() {
            return Some(CreateRun::NoParent);
        }
        if new.parent.is_none() && thread.is_none() {
            return Some(CreateRun::NoThread);
        }
        if let Some(rewind) = &new.rewind
            && thread.and_then(|it| it.rewind_index(rewind)).is_none()
        {
            return Some(CreateRun::NoMessage);
        }
        let Some(behind) = self.last_unended(new) else {
            return self.too_many_live(new).map(CreateRun::TooManyLive);
        };
        match new.on_busy {
            OnBusy::Reject => Some(CreateRun::Busy(
                self.live_run(new.thread_id).unwrap_or(behind),
            )),
            OnBusy::Enqueue { max_queued } => {
                let queued = self
                    .runs_of(new.thread_id)
                    .filter(|run| run.status() == RunStatus::Queued)
                    .count();
                (queued >= max_queued as usize).then_some(CreateRun::QueueFull)
            }
        }
    }

    fn too_many_live(&self, new: &NewRun) -> Option<LiveScope> {
        let live = || {
            let rows = self.runs.values().filter(|run| run.status().is_live());
            rows.map(|run| &run.row)
                .filter(|row| row.org_id == new.org_id)
        };
        let of_user = || live().filter(|row| row.created_by == new.created_by);
        let with_key = || live().filter(|row| row.api_key_id == new.api_key_id);
        let with_key = new.api_key_id.map_or(0, |_| with_key().count());
        let limits = new.max_live_runs;
        [
            (limits.org, live().count(), LiveScope::Org),
            (limits.user, of_user().count(), LiveScope::User),
            (limits.api_key, with_key, LiveScope::ApiKey),
        ]
        .into_iter()
        .find(|(max, live, _)| max.is_some_and(|max| *live >= max as usize))
        .map(|(_, _, scope)| scope)
    }

    /// The youngest run of the thread that hasn't ended.
    fn last_unended(&self, new: &NewRun) -> Option<runloom_domain::RunId> {
        self.runs_of(new.thread_id)
            .filter(|run| !run.status().is_terminal())
            .max_by_key(|run| run.turn)
            .map(|run| run.row.run_id)
    }

    fn first_event(&self, new: &NewRun) -> FirstEvent {
        if let Some(behind) = self.last_unended(new) {
            return FirstEvent::Queued { behind };
        }
        let posted = self
            .thread(new.org_id, new.thread_id)
            .map_or(0, |thread| thread.messages.len());
        FirstEvent::Started {
            history_until: posted as u64 + u64::from(new.input.is_some()),
        }
    }

    /// Goes back in the thread and posts the input.
    fn write_thread(&mut self, new: &mut NewRun) {
        let Some(thread) = self.thread_mut(new.org_id, new.thread_id) else {
            return;
        };
        if let Some(rewind) = new.rewind.take()
            && let Some(index) = thread.rewind_index(&rewind)
        {
            thread.rewind(index, rewind.content);
        }
        if let Some((id, content)) = new.input.take() {
            let message = Message {
                id,
                org_id: new.org_id,
                thread_id: new.thread_id,
                run_id: Some(new.run_id),
                position: thread.messages.len() as u64 + 1,
                body: MessageBody::User { content },
                created_by_user_id: Some(new.created_by),
                created_at: new.created_at,
            };
            thread.messages.push(Posted {
                message,
                hidden: false,
            });
        }
    }
}

const fn starts(first: FirstEvent) -> bool {
    matches!(first, FirstEvent::Started { .. })
}

/// Every text of the run that comes from outside.
fn texts(new: &NewRun) -> impl Iterator<Item = &str> {
    let rewritten = new.rewind.iter().filter_map(|r| r.content.as_deref());
    let input = new.input.iter().map(|(_, content)| content.as_str());
    let contents = new.contents.iter().map(|content| content.body.as_str());
    input
        .chain(rewritten)
        .chain(contents)
        .chain(new.metadata.as_deref())
}

fn new_run(new: NewRun, first: FirstEvent, now: Timestamp) -> Run {
    let owner = new.owner.filter(|_| starts(first));
    Run {
        events: Vec::new(),
        deleted: 0,
        expired: false,
        turn: 0,
        epoch: u64::from(owner.is_some()),
        attempts: u32::from(owner.is_some()),
        wake_at: owner.is_none().then_some(now),
        owner,
        lost: None,
        root_thread: None,
        calls: Vec::new(),
        outputs: std::collections::BTreeMap::new(),
        row: RunRecord {
            run_id: new.run_id,
            org_id: new.org_id,
            thread_id: new.thread_id,
            parent_run_id: new.parent.map(|parent| parent.run_id),
            status: if starts(first) {
                RunStatus::Running
            } else {
                RunStatus::Queued
            },
            persona_id: new.persona_id,
            route_id: new.route_id,
            model: new.model,
            totals: RunTotals::default(),
            credits_used: None,
            created_at: new.created_at,
            ended_at: None,
            error_class: None,
            error_message: None,
            metadata: new.metadata,
            trace_id: new.trace_id,
            created_by: new.created_by,
            api_key_id: new.api_key_id,
            created_by_name: None,
            created_by_email: None,
        },
    }
}
