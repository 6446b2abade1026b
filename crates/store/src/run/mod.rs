//! The run log: creating runs, appending to them, and who may.

mod allowance;
mod change;
mod create;
mod records;
mod turns;

pub use allowance::{Allowance, Held, Remaining};
pub use change::{
    Appended, Change, Intended, Intent, NewMessage, Projection, RunEnd, ToolOutput, Wake,
};
pub use create::{
    Content, CreateRun, CreatedRun, FirstEvent, LiveLimits, LiveScope, NewRun, OnBusy, ParentRun,
    Rewind,
};
pub use records::{
    Census, ClaimedRun, HistoryPart, Orphan, OwnedRun, RunFilter, RunHead, RunRecord, Tail,
};
pub use turns::take_turns;

use async_trait::async_trait;
use runloom_domain::{Message, NodeId, OrgId, RunId, StoredEvent, ThreadId, ToolCallId};

use crate::{Idempotency, KeyConflict, Once, Page, Paged, StoreError, StoredAnswer};

/// Runs and their events.
///
/// The writer of a run is whoever holds its row lock. Three kinds of writes exist: creating a
/// run; appending to a run that this node owns ([`append`](Self::append), fenced by its
/// epoch); and intents of people ([`intend`](Self::intend)), which may come from any node and
/// are guarded by the run's status. All three take the run's next seq inside their
/// transaction, so `seq` is dense whatever races.
#[async_trait]
pub trait RunStore: Send + Sync + 'static {
    /// Creates a run with its first event, its input message and its idempotency row; one with
    /// a parent also with its thread. The parent's row is read and not locked: a child that is
    /// made while its parent ends is found by [`orphans`](Self::orphans).
    async fn create_run(&self, new: NewRun) -> Result<Once<CreateRun>, StoreError>;

    /// What the key says of a creation that is refused before it is tried: the answer that is
    /// kept, or that it was used with another body; `None` when nothing was created with it in
    /// the last 24 h. Writes nothing and waits for nobody.
    async fn kept_answer(
        &self,
        org: OrgId,
        once: &Idempotency,
    ) -> Result<Option<Result<StoredAnswer, KeyConflict>>, StoreError>;

    /// Appends to many runs in one commit; the answers are in the order of the changes.
    ///
    /// A change whose run is stale, locked or whose data the database refuses leaves the
    /// others committed. An error means that nothing is known to be written and the whole
    /// batch may be given again: an adapter that lost the answer to a commit finds out by the
    /// batch's id before it answers. A batch holds each run at most once.
    async fn append(&self, batch: Vec<Change>) -> Result<Vec<Appended>, StoreError>;

    /// What the run may still use. To be asked before each step of a run that was created with
    /// `budgeted`; reserves more for it when it holds too little for a step and there is more to
    /// be had, so that runs at the same moment can't use the same. A run that holds nothing, or
    /// has ended, isn't limited.
    async fn remaining(&self, org: OrgId, run: RunId) -> Result<Remaining, StoreError>;

    /// Carries out what a person asked for, if the run is still as expected.
    async fn intend(&self, intent: Intent) -> Result<Intended, StoreError>;

    /// Takes up to `limit` free runs that are due for `node`: sets the owner and raises epoch
    /// and attempts, in one short transaction. Queued runs are due when their thread has no
    /// live run and no earlier queued one. The node must hold its lease.
    ///
    /// Organisations take turns, from claim to claim too, and each one's runs come in the order
    /// in which they became due. So an organisation's first run waits for at most one run of
    /// each other organisation, however many these have.
    async fn claim(&self, node: NodeId, limit: u32) -> Result<Vec<ClaimedRun>, StoreError>;

    /// Renews the node's lease of 15 s, or takes it. Uses a connection of its own, so that
    /// busy writers can't delay it.
    async fn renew_lease(&self, node: NodeId) -> Result<(), StoreError>;

    /// Ends the node's lease and frees what it still owns, as a hand-over.
    async fn end_lease(&self, node: NodeId) -> Result<(), StoreError>;

    /// Frees the runs of nodes whose lease has ended, and counts them. On SQLite, where the
    /// process holds the only lock, these are the runs of every node but `node`.
    async fn free_lost(&self, node: NodeId) -> Result<u64, StoreError>;

    /// Which of the node's runs have been asked to end.
    async fn cancelling(&self, node: NodeId) -> Result<Vec<(OrgId, RunId)>, StoreError>;

    /// Frees a run with which its owner can't go on, as if the owner had died; false when the
    /// run isn't owned at that epoch any more.
    async fn disown(&self, run: OwnedRun) -> Result<bool, StoreError>;

    /// The runs that `parent` has spawned, ended or not, oldest first: the first 100.
    async fn children(&self, org: OrgId, parent: RunId) -> Result<Vec<RunRecord>, StoreError>;

    /// Up to `limit` runs of all organisations that nobody has asked to end and whose parent has
    /// ended. Costs as much as there are live children.
    async fn orphans(&self, limit: u32) -> Result<Vec<Orphan>, StoreError>;

    /// Makes a run due now that nobody owns and that rests for a time while it is at work; false
    /// when the run isn't like that.
    async fn hasten(&self, org: OrgId, run: RunId) -> Result<bool, StoreError>;

    /// The runs that the node owns.
    async fn owned(&self, node: NodeId) -> Result<Vec<OwnedRun>, StoreError>;

    /// How the runs that haven't ended stand. Reads them all, by an index without the ended
    /// ones: not for every request.
    async fn census(&self) -> Result<Census, StoreError>;

    /// The run's narrow row.
    async fn head(&self, org: OrgId, run: RunId) -> Result<Option<RunHead>, StoreError>;

    /// The run that occupies the thread, however many runs that has had.
    async fn live_run(&self, org: OrgId, thread: ThreadId) -> Result<Option<RunId>, StoreError>;

    /// Up to `limit` events with a seq above `after`, in order.
    async fn events(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// What follows these positions in the logs of many runs, in one read: up to `limit` events
    /// of each. The answers are in the order of the positions.
    async fn tails(&self, of: Vec<Tail>, limit: u32) -> Result<Vec<Vec<StoredEvent>>, StoreError>;

    /// Like [`events`](Self::events) without deltas: what a run is rebuilt from.
    async fn log(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// The newest messages of `part` that `run` may see, in order of position. Hidden messages
    /// are absent.
    async fn history(
        &self,
        org: OrgId,
        thread: ThreadId,
        run: RunId,
        part: HistoryPart,
    ) -> Result<Vec<Message>, StoreError>;

    /// Contents by their hashes; those that don't exist are absent.
    async fn contents(&self, org: OrgId, hashes: Vec<String>) -> Result<Vec<Content>, StoreError>;

    /// The whole output of a tool call whose result was cut.
    async fn tool_output(
        &self,
        org: OrgId,
        run: RunId,
        call: ToolCallId,
    ) -> Result<Option<String>, StoreError>;

    /// The run's wide row.
    async fn run(&self, org: OrgId, run: RunId) -> Result<Option<RunRecord>, StoreError>;

    /// Lists an organisation's runs, newest first: by the time of their creation, or by id as
    /// [`RunFilter::goes_by_id`] says.
    async fn runs(
        &self,
        org: OrgId,
        filter: RunFilter,
        page: Page,
    ) -> Result<Paged<RunRecord>, StoreError>;
}
