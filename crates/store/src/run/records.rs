use std::collections::BTreeMap;
use std::time::Duration;

use runloom_domain::event::ResumeReason;
use runloom_domain::{
    ApiKeyId, OrgId, RunId, RunStatus, RunTotals, ThreadId, Timestamp, TraceId, UserId,
};

/// A run that this node has just taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedRun {
    /// Its organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// Its thread.
    pub thread_id: ThreadId,
    /// The epoch that appends must carry.
    pub epoch: u64,
    /// Claims since it last made progress, this one included; being created with an owner
    /// counts as one. Progress is a message written, a release, or a hand-over; events alone
    /// are none, since a run that kills its worker may write some each time.
    pub attempts: u32,
    /// Its status. `Queued` means that its thread is free now; `WaitingForInput` that its
    /// waiting time is over.
    pub status: RunStatus,
    /// The last event's seq.
    pub last_seq: u64,
    /// Why its last owner lost it; `None` when it was given up on purpose.
    pub lost: Option<ResumeReason>,
    /// The thread's last position.
    pub thread_position: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// The trace of the request that created it.
    pub trace_id: TraceId,
}

/// The narrow row that appends touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// Its thread.
    pub thread_id: ThreadId,
    /// Its status.
    pub status: RunStatus,
    /// The last event's seq.
    pub last_seq: u64,
    /// The epoch that appends must carry.
    pub epoch: u64,
    /// Whether a node owns it.
    pub owned: bool,
    /// Whether its events have expired: they can't be read any more, deleted or not.
    pub events_expired: bool,
}

/// A run that a node owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedRun {
    /// The run's organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// Since which epoch.
    pub epoch: u64,
}

/// A run that goes on though its parent has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// The run's organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
}

/// How the runs that haven't ended stand, of all organisations and nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many have each status; one that none has is absent.
    pub live: BTreeMap<RunStatus, u64>,
    /// How long the oldest due run has been waiting for a claim. Runs that wait behind another
    /// one of their thread are not counted.
    pub oldest_due: Option<Duration>,
    /// Runs that nobody works on and nobody would look at: the lease of their owner has ended,
    /// or they are at work without an owner and without a time to wake. The first kind is there
    /// until its runs are freed, the second never.
    pub unleased: u64,
}

/// A position in a run's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The run's organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// The last seq before what is wanted.
    pub after: u64,
}

/// The wide row that lists show.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The run.
    pub run_id: RunId,
    /// Its organisation.
    pub org_id: OrgId,
    /// Its thread.
    pub thread_id: ThreadId,
    /// The run that spawned it.
    pub parent_run_id: Option<RunId>,
    /// Its status.
    pub status: RunStatus,
    /// `key@version` of its persona.
    pub persona_id: String,
    /// Its route.
    pub route_id: String,
    /// The route's model.
    pub model: String,
    /// Sums over its model calls.
    pub totals: RunTotals,
    /// Its credit entry, once it has ended.
    pub credits_used: Option<i64>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub error_class: Option<String>,
    /// In words.
    pub error_message: Option<String>,
    /// A JSON object's text.
    pub metadata: Option<String>,
    /// The trace of the request that created it.
    pub trace_id: TraceId,
    /// Who created it.
    pub created_by: UserId,
    /// The API key with which it was created.
    pub api_key_id: Option<ApiKeyId>,
    /// That person's login.
    pub created_by_name: Option<String>,
    /// That person's e-mail address.
    pub created_by_email: Option<String>,
}

/// Which runs a list is about.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only of this thread.
    pub thread_id: Option<ThreadId>,
    /// Only children of this run.
    pub parent_run_id: Option<RunId>,
    /// Only of this person.
    pub created_by: Option<UserId>,
    /// Only with one of these; empty means any.
    pub statuses: Vec<RunStatus>,
}

impl RunFilter {
    /// Whether children are left out: a list shows them that is about one thread or one parent.
    pub const fn is_without_children(&self) -> bool {
        self.thread_id.is_none() && self.parent_run_id.is_none()
    }

    /// Whether the list is about an organisation's runs of some statuses, and therefore in the
    /// order of their ids: no index has both the status of a run and the time of its creation,
    /// and the id begins with that time.
    pub fn goes_by_id(&self) -> bool {
        let of_all = self.is_without_children() && self.created_by.is_none();
        of_all && !self.statuses.is_empty()
    }
}

/// A part of what a run sees of its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryPart {
    /// Messages up to this position, and the run's own wherever they stand.
    pub until: u64,
    /// Only messages before this position.
    pub before: u64,
    /// How many at most.
    pub limit: u32,
}

impl HistoryPart {
    /// The newest `limit` messages up to `until`, and of the run's own.
    pub const fn newest(until: u64, limit: u32) -> Self {
        Self {
            until,
            before: u64::MAX,
            limit,
        }
    }
}
