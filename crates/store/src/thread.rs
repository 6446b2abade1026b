use async_trait::async_trait;
use runloom_domain::{Message, MessageId, OrgId, RunId, ThreadId, Timestamp, UserId};

use crate::{By, Idempotency, Once, Page, Paged, StoreError};

/// A thread to be created.
#[derive(Clone, Debug)]
pub struct NewThread {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub thread_id: ThreadId,
    /// Who makes it.
    pub created_by: UserId,
    /// What people call it.
    pub title: Option<String>,
    /// A JSON object's text.
    pub metadata: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl NewThread {
    /// A thread without title and metadata.
    pub const fn untitled(
        org_id: OrgId,
        thread_id: ThreadId,
        created_by: UserId,
        created_at: Timestamp,
    ) -> Self {
        Self {
            org_id,
            thread_id,
            created_by,
            title: None,
            metadata: None,
            created_at,
        }
    }
}

/// A thread as stored. Deleted threads are absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadRecord {
    /// Its id.
    pub thread_id: ThreadId,
    /// Its organisation.
    pub org_id: OrgId,
    /// Who made it.
    pub created_by: UserId,
    /// What people call it.
    pub title: Option<String>,
    /// A JSON object's text.
    pub metadata: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its live run, derived from the runs.
    pub active_run_id: Option<RunId>,
}

/// What to change of a thread; the outer `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ThreadPatch {
    /// New title, or `Some(None)` for none.
    pub title: Option<Option<String>>,
    /// New metadata, or `Some(None)` for none.
    pub metadata: Option<Option<String>>,
}

/// What became of a thread that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteThread {
    /// It is marked as deleted: each of its runs has ended or is being cancelled, and none can
    /// be created in it any more.
    Deleted,
    /// Nothing was written: these runs go on, the one that came last first. Cancelled in this
    /// order none of them starts because another one ends.
    Open(Vec<RunId>),
    /// There is no such thread.
    NoThread,
}

/// A person's message that is posted to a thread by itself.
#[derive(Clone, Debug)]
pub struct UserMessage {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its thread.
    pub thread_id: ThreadId,
    /// Its id.
    pub message_id: MessageId,
    /// The text.
    pub content: String,
    /// Who wrote it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// Threads and the messages that people post to them.
#[async_trait]
pub trait ThreadStore: Send + Sync + 'static {
    /// Creates a thread.
    async fn create_thread(
        &self,
        new: NewThread,
        once: Option<Idempotency>,
    ) -> Result<Once<()>, StoreError>;

    /// Reads a thread.
    async fn thread(
        &self,
        org: OrgId,
        thread: ThreadId,
    ) -> Result<Option<ThreadRecord>, StoreError>;

    /// Lists an organisation's threads, without hidden ones, which are those of child runs.
    async fn threads(&self, org: OrgId, page: Page) -> Result<Paged<ThreadRecord>, StoreError>;

    /// Changes a thread and returns it.
    async fn update_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        patch: ThreadPatch,
    ) -> Result<Option<ThreadRecord>, StoreError>;

    /// Marks a thread as deleted, unless a run in it goes on: the caller cancels those that the
    /// answer names and asks again. So no crash leaves a run behind in a deleted thread.
    async fn delete_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        at: Timestamp,
        by: By,
    ) -> Result<DeleteThread, StoreError>;

    /// Appends a person's message at the thread's next position; `None` when there is no such
    /// thread.
    async fn post_message(
        &self,
        message: UserMessage,
        once: Option<Idempotency>,
    ) -> Result<Once<Option<Message>>, StoreError>;

    /// Lists a thread's messages that have not been hidden, by falling position; tool messages
    /// and assistant messages without text only when `include_tools` is set. A page begins
    /// below the position of the message whose id `before` names; its time doesn't count.
    /// `None` when there is no such thread.
    async fn messages(
        &self,
        org: OrgId,
        thread: ThreadId,
        page: Page,
        include_tools: bool,
    ) -> Result<Option<Paged<Message>>, StoreError>;
}
