use std::collections::{BTreeMap, HashMap};

use runloom_domain::event::ResumeReason;
use runloom_domain::{
    EncodedEvent, Message, ModelCall, NodeId, OrgId, RunId, RunStatus, SessionId, ThreadId,
    Timestamp, ToolCallId, UserId,
};

use super::accounts::{Account, StoredKey};
use super::audit::AuditLog;
use super::config::Config;
use super::money::Money;
use super::once::{Kept, OnceKey};
use super::orgs::Orgs;
use super::sessions::StoredSession;
use crate::{DataKey, NewReset, RunRecord, Standing, StoreError, ThreadRecord};

/// Everything there is.
#[derive(Default)]
pub(super) struct State {
    pub(super) threads: BTreeMap<ThreadId, Thread>,
    pub(super) runs: BTreeMap<RunId, Run>,
    pub(super) contents: HashMap<(OrgId, String), String>,
    /// The organisation whose run was claimed last.
    pub(super) claimed_for: Option<OrgId>,
    /// Until when each node's lease lasts.
    pub(super) leases: HashMap<NodeId, Timestamp>,
    pub(super) answers: HashMap<OnceKey, Kept>,
    pub(super) accounts: BTreeMap<UserId, Account>,
    pub(super) keys: Vec<StoredKey>,
    pub(super) sessions: BTreeMap<SessionId, StoredSession>,
    /// By their tokens' hashes.
    pub(super) resets: HashMap<[u8; 32], NewReset>,
    pub(super) orgs: Orgs,
    pub(super) data_keys: BTreeMap<(OrgId, u32), DataKey>,
    pub(super) config: Config,
    /// For how many days the events of organisations with a retention of their own are kept.
    pub(super) retention: HashMap<OrgId, u32>,
    /// What organisations may keep, and do.
    pub(super) standings: HashMap<OrgId, Standing>,
    pub(super) money: Money,
    pub(super) audit: AuditLog,
}

/// A thread with its messages; a deleted one stays, for the sake of its runs.
pub(super) struct Thread {
    /// Its row; the live run in it is derived when it is read.
    pub(super) row: ThreadRecord,
    pub(super) deleted: bool,
    /// Whether no list shows it.
    pub(super) hidden: bool,
    /// In order of position: the message at index `i` has the position `i + 1`.
    pub(super) messages: Vec<Posted>,
}

/// A message and whether a rewind has hidden it.
pub(super) struct Posted {
    pub(super) message: Message,
    pub(super) hidden: bool,
}

/// A run with its log.
pub(super) struct Run {
    /// Its row; its creator's name is derived when it is read.
    pub(super) row: RunRecord,
    /// Of a child: the thread of the first of those that it descends from.
    pub(super) root_thread: Option<ThreadId>,
    /// The event at index `i` has the seq `deleted + i + 1`.
    pub(super) events: Vec<EncodedEvent>,
    /// How many events before these have been deleted.
    pub(super) deleted: u64,
    /// Whether nobody may read the events any more.
    pub(super) expired: bool,
    /// Its place in the order in which runs were created; their times may be equal.
    pub(super) turn: usize,
    pub(super) epoch: u64,
    pub(super) owner: Option<NodeId>,
    pub(super) attempts: u32,
    /// When somebody must look at it, while nobody owns it.
    pub(super) wake_at: Option<Timestamp>,
    pub(super) lost: Option<ResumeReason>,
    pub(super) calls: Vec<ModelCall>,
    pub(super) outputs: BTreeMap<ToolCallId, String>,
}

impl Run {
    pub(super) const fn status(&self) -> RunStatus {
        self.row.status
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.deleted + self.events.len() as u64
    }
}

impl State {
    /// Whether there is an organisation.
    pub(super) fn has_org(&self, org: OrgId) -> bool {
        self.orgs.rows.contains_key(&org)
    }

    /// The thread, if it is the organisation's and hasn't been deleted.
    pub(super) fn thread(&self, org: OrgId, thread: ThreadId) -> Option<&Thread> {
        self.threads
            .get(&thread)
            .filter(|found| found.row.org_id == org && !found.deleted)
    }

    /// The same to be changed.
    pub(super) fn thread_mut(&mut self, org: OrgId, thread: ThreadId) -> Option<&mut Thread> {
        self.threads
            .get_mut(&thread)
            .filter(|found| found.row.org_id == org && !found.deleted)
    }

    /// The run, if it is the organisation's.
    pub(super) fn run(&self, org: OrgId, run: RunId) -> Option<&Run> {
        self.runs.get(&run).filter(|found| found.row.org_id == org)
    }

    /// The runs of a thread.
    pub(super) fn runs_of(&self, thread: ThreadId) -> impl Iterator<Item = &Run> {
        self.runs
            .values()
            .filter(move |run| run.row.thread_id == thread)
    }

    /// The run that occupies a thread.
    pub(super) fn live_run(&self, thread: ThreadId) -> Option<RunId> {
        self.runs_of(thread)
            .find(|run| run.status().is_live())
            .map(|run| run.row.run_id)
    }
}

/// Refuses what a database refuses: PostgreSQL stores no NUL.
pub(super) fn storable<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(), StoreError> {
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(rejected("text holds a NUL character"));
    }
    Ok(())
}

/// The error for data that can't be stored.
pub(super) fn rejected(reason: &str) -> StoreError {
    StoreError::Rejected(reason.into())
}
