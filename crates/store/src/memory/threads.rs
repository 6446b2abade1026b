use async_trait::async_trait;
use runloom_domain::{Message, MessageBody, OrgId, Role, RunStatus, ThreadId, Timestamp};

use super::MemoryStore;
use super::lists::newest_first;
use super::state::{Posted, State, Thread, rejected, storable};
use crate::{
    By, DeleteThread, Idempotency, NewThread, Once, Page, PageKey, Paged, StoreError, ThreadPatch,
    ThreadRecord, ThreadStore, UserMessage, entries,
};

#[async_trait]
impl ThreadStore for MemoryStore {
    async fn create_thread(
        &self,
        new: NewThread,
        once: Option<Idempotency>,
    ) -> Result<Once<()>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable(
            new.title
                .as_deref()
                .into_iter()
                .chain(new.metadata.as_deref()),
        )?;
        if state.threads.contains_key(&new.thread_id) {
            return Err(rejected("a thread id is repeated"));
        }
        state.threads.insert(new.thread_id, Thread::new(new));
        state.keep(once, now);
        Ok(Once::Done(()))
    }

    async fn thread(
        &self,
        org: OrgId,
        thread: ThreadId,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        let state = self.state();
        Ok(state.thread(org, thread).map(|found| state.record(found)))
    }

    async fn threads(&self, org: OrgId, page: Page) -> Result<Paged<ThreadRecord>, StoreError> {
        let state = self.state();
        let own = state
            .threads
            .values()
            .filter(|thread| thread.row.org_id == org && !thread.deleted && !thread.hidden);
        let records = own.map(|thread| state.record(thread)).collect();
        Ok(newest_first(records, page, |thread| PageKey {
            created_at: thread.created_at,
            id: thread.thread_id.as_uuid(),
        }))
    }

    async fn update_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        patch: ThreadPatch,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        let texts = [&patch.title, &patch.metadata].map(|text| text.iter().flatten());
        storable(texts.into_iter().flatten().map(String::as_str))?;
        let mut state = self.state();
        if let Some(found) = state.thread_mut(org, thread) {
            found.patch(patch);
        }
        Ok(state.thread(org, thread).map(|found| state.record(found)))
    }

    async fn delete_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        _at: Timestamp,
        by: By,
    ) -> Result<DeleteThread, StoreError> {
        let mut state = self.state();
        let mut open: Vec<_> = state
            .runs_of(thread)
            .filter(|run| goes_on(run.status()))
            .map(|run| (run.turn, run.row.run_id))
            .collect();
        let Some(found) = state.thread_mut(org, thread) else {
            return Ok(DeleteThread::NoThread);
        };
        if open.is_empty() {
            found.deleted = true;
            state.note(by, entries::thread_deleted(org, thread));
            return Ok(DeleteThread::Deleted);
        }
        open.sort_unstable_by(|a, b| b.cmp(a));
        let open = open.into_iter().map(|(_, run)| run);
        Ok(DeleteThread::Open(open.collect()))
    }

    async fn post_message(
        &self,
        message: UserMessage,
        once: Option<Idempotency>,
    ) -> Result<Once<Option<Message>>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable([message.content.as_str()])?;
        let Some(thread) = state.thread_mut(message.org_id, message.thread_id) else {
            return Ok(Once::Done(None));
        };
        let posted = thread.post(message);
        state.keep(once, now);
        Ok(Once::Done(Some(posted)))
    }

    async fn messages(
        &self,
        org: OrgId,
        thread: ThreadId,
        page: Page,
        include_tools: bool,
    ) -> Result<Option<Paged<Message>>, StoreError> {
        let state = self.state();
        let found = state.thread(org, thread);
        Ok(found.map(|thread| thread.page(page, include_tools)))
    }
}

impl State {
    /// The thread as it is read: its live run comes from the runs.
    fn record(&self, thread: &Thread) -> ThreadRecord {
        ThreadRecord {
            active_run_id: self.live_run(thread.row.thread_id),
            ..thread.row.clone()
        }
    }
}

impl Thread {
    pub(super) fn new(new: NewThread) -> Self {
        Self {
            row: ThreadRecord {
                thread_id: new.thread_id,
                org_id: new.org_id,
                created_by: new.created_by,
                title: new.title,
                metadata: new.metadata,
                created_at: new.created_at,
                active_run_id: None,
            },
            deleted: false,
            hidden: false,
            messages: Vec::new(),
        }
    }

    fn patch(&mut self, patch: ThreadPatch) {
        if let Some(title) = patch.title {
            self.row.title = title;
        }
        if let Some(metadata) = patch.metadata {
            self.row.metadata = metadata;
        }
    }

    fn post(&mut self, new: UserMessage) -> Message {
        let message = Message {
            id: new.message_id,
            org_id: new.org_id,
            thread_id: new.thread_id,
            run_id: None,
            position: self.messages.len() as u64 + 1,
            body: MessageBody::User {
                content: new.content,
            },
            created_by_user_id: Some(new.created_by),
            created_at: new.created_at,
        };
        self.messages.push(Posted {
            message: message.clone(),
            hidden: false,
        });
        message
    }

    fn page(&self, page: Page, include_tools: bool) -> Paged<Message> {
        let end = page.before.map_or(self.messages.len(), |before| {
            let index = |posted: &Posted| posted.message.id.as_uuid() == before.id;
            self.messages.iter().position(index).unwrap_or(0)
        });
        let shown = self.messages[..end]
            .iter()
            .rev()
            .filter(|posted| !posted.hidden && (include_tools || is_text(&posted.message)))
            .map(|posted| posted.message.clone())
            .take(page.limit as usize + 1)
            .collect();
        Paged::from_surplus(shown, page.limit, |message| PageKey {
            created_at: message.created_at,
            id: message.id.as_uuid(),
        })
    }
}

/// Whether nobody has asked for the end of a run that hasn't ended.
fn goes_on(status: RunStatus) -> bool {
    !status.is_terminal() && status != RunStatus::Cancelling
}

/// Whether a message is shown without its tools.
fn is_text(message: &Message) -> bool {
    match message.body.role() {
        Role::User => true,
        Role::Assistant => !message.body.content().is_empty(),
        Role::Tool => false,
    }
}
