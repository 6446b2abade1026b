use std::fmt;

use runloom_domain::{
    ApiKeyId, BudgetName, BudgetScope, EncodedEvent, MessageId, NodeId, OrgId, RunId, ThreadId,
    Timestamp, TraceId, UserId,
};

use super::{Allowance, Remaining};
use crate::{Idempotency, NewThread};

/// What to do when the thread has a run that hasn't ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBusy {
    /// Create nothing.
    Reject,
    /// Let the new run wait.
    Enqueue {
        /// How many may wait in one thread.
        max_queued: u32,
    },
}

/// Text that is stored once per organisation under the hash of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// SHA-256 in hex.
    pub hash: String,
    /// The text.
    pub body: String,
}

/// Goes back to a person's message before the run starts: what follows it is hidden.
#[derive(Clone, Debug)]
pub struct Rewind {
    /// The message; the thread's last message of a person when absent.
    pub message_id: Option<MessageId>,
    /// Its new text, when it is edited.
    pub content: Option<String>,
}

/// How a run begins, known only inside the creating transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstEvent {
    /// It starts, and sees the thread up to this position.
    Started {
        /// The thread's last position, the run's own input included.
        history_until: u64,
    },
    /// It waits behind this run.
    Queued {
        /// The last run of its thread that hasn't ended.
        behind: RunId,
    },
}

/// How many runs may be live at once; what is absent isn't limited. They are counted without a
/// lock: creations at the same moment in several threads may pass a limit by as many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveLimits {
    /// Of an organisation.
    pub org: Option<u32>,
    /// Of a person in it, with all of their keys.
    pub user: Option<u32>,
    /// With one API key.
    pub api_key: Option<u32>,
}

/// Whose live runs are as many as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveScope {
    /// The organisation's.
    Org,
    /// Those of whoever creates the run.
    User,
    /// Those with the API key that they use.
    ApiKey,
}

/// The run that spawns another one, its child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRun {
    /// The run, of the same organisation.
    pub run_id: RunId,
    /// What people call the thread that is made for the child.
    pub thread_title: Option<String>,
}

/// A run to be created.
pub struct NewRun {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub run_id: RunId,
    /// Its thread; one that isn't there yet when it has a parent.
    pub thread_id: ThreadId,
    /// The run that spawns it. Its thread, which no list shows, is then made in the same
    /// transaction.
    pub parent: Option<ParentRun>,
    /// Who starts it.
    pub created_by: UserId,
    /// The API key that they use, if they use one.
    pub api_key_id: Option<ApiKeyId>,
    /// The trace of the request that creates it.
    pub trace_id: TraceId,
    /// When.
    pub created_at: Timestamp,
    /// The resolved persona, `key@version`.
    pub persona_id: String,
    /// The resolved route.
    pub route_id: String,
    /// The route's model.
    pub model: String,
    /// A JSON object's text.
    pub metadata: Option<String>,
    /// A person's message that is posted with it.
    pub input: Option<(MessageId, String)>,
    /// Goes back in the thread first.
    pub rewind: Option<Rewind>,
    /// Contents that the run refers to.
    pub contents: Vec<Content>,
    /// What to do when the thread is busy.
    pub on_busy: OnBusy,
    /// How many runs may be live at once; a run that has to queue isn't counted against it.
    pub max_live_runs: LiveLimits,
    /// What it reserves, if its organisation is short of it.
    pub allowance: Allowance,
    /// The node that works on it from the start, which has a lease; else it is free to be claimed.
    pub owner: Option<NodeId>,
    /// Makes its first event. It is told whether the run has reserved something, and so must ask
    /// for what remains.
    pub first_event: Box<dyn Fn(FirstEvent, bool) -> EncodedEvent + Send>,
    /// Makes it happen once.
    pub once: Option<Idempotency>,
}

impl NewRun {
    /// What a budget can be for that counts this run, each with its id; the organisation's is
    /// empty. A child counts in its own thread and in `root`, the thread of the first of those
    /// that it descends from.
    pub fn budget_scopes(&self, root: Option<ThreadId>) -> Vec<(BudgetScope, String)> {
        let persona = self.persona_id.split('@').next().unwrap_or_default();
        let key = self
            .api_key_id
            .map(|key| (BudgetScope::ApiKey, key.to_string()));
        let scopes = [
            (BudgetScope::Organisation, String::new()),
            (BudgetScope::User, self.created_by.to_string()),
            (BudgetScope::Persona, persona.to_owned()),
            (BudgetScope::Thread, self.thread_id.to_string()),
        ];
        let root = root.map(|thread| (BudgetScope::Thread, thread.to_string()));
        scopes.into_iter().chain(root).chain(key).collect()
    }

    /// The hidden thread that is to be made for a child.
    pub fn thread_to_make(&self) -> Option<NewThread> {
        let parent = self.parent.as_ref()?;
        let (org, thread, user) = (self.org_id, self.thread_id, self.created_by);
        Some(NewThread {
            title: parent.thread_title.clone(),
            ..NewThread::untitled(org, thread, user, self.created_at)
        })
    }
}

impl fmt::Debug for NewRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRun")
            .field("org_id", &self.org_id)
            .field("run_id", &self.run_id)
            .field("thread_id", &self.thread_id)
            .finish_non_exhaustive()
    }
}

/// A run that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedRun {
    /// How it began.
    pub first: FirstEvent,
    /// Its first event, with seq 1.
    pub event: EncodedEvent,
    /// Its epoch: 1 when it has an owner, 0 when it is free.
    pub epoch: u64,
    /// What it may use in its first step, as [`RunStore::remaining`] would say; absent when that
    /// has to be asked, since it holds less than a step may cost and there may be more by then.
    ///
    /// [`RunStore::remaining`]: crate::RunStore::remaining
    pub granted: Option<Remaining>,
}

/// What became of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateRun {
    /// It is there.
    Created(Box<CreatedRun>),
    /// There is no such thread.
    NoThread,
    /// The parent has ended, or the organisation has no such run.
    NoParent,
    /// There is no message to go back to.
    NoMessage,
    /// The thread has this run, which hasn't ended.
    Busy(RunId),
    /// As many runs as may are waiting in the thread.
    QueueFull,
    /// There are as many live runs as may be.
    TooManyLive(LiveScope),
    /// The organisation hasn't got the credits that the run has to reserve.
    NoCredit,
    /// This budget has been used up, or is held by other runs.
    NoBudget(BudgetName),
}
