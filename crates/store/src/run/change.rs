use std::time::Duration;

use runloom_domain::{
    EncodedEvent, MessageBody, MessageId, ModelCall, OrgId, RunId, RunStatus, RunTotals, Timestamp,
    ToolCallId,
};

/// When somebody must look at a run that nobody owns, by the adapter's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// At once.
    Now,
    /// After this time.
    After(Duration),
    /// Only when something happens to it.
    Never,
}

/// What the owner of a run has decided: appended and projected in one transaction, or not at
/// all.
#[derive(Clone, Debug)]
pub struct Change {
    /// The run's organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// The epoch at which the run was claimed; any other is stale.
    pub epoch: u64,
    /// The status on which it was decided, when it depends on it: an owner that ends a run
    /// names `Running` here, so that a cancel request that came first is not overrun. When
    /// the run has another status (that isn't terminal), the outcome is [`Appended::Moved`].
    pub expect_status: Option<RunStatus>,
    /// The events, in order; at least one, or a projection.
    pub events: Vec<EncodedEvent>,
    /// What follows from them besides the log. Absent for deltas, which are most changes.
    pub projection: Option<Box<Projection>>,
}

/// What a change writes besides events.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    /// The run's new status. A terminal one also takes the run from its owner, and nobody has
    /// to look at it again.
    pub status: Option<RunStatus>,
    /// Gives the run up and says when somebody must look at it again.
    pub release: Option<Wake>,
    /// Messages for the run's thread, in order; they take its next positions.
    pub messages: Vec<NewMessage>,
    /// Ledger rows; a repeated (step, attempt) is refused.
    pub calls: Vec<ModelCall>,
    /// The run's totals from now on.
    pub totals: Option<RunTotals>,
    /// Whole tool outputs whose results were cut.
    pub outputs: Vec<ToolOutput>,
    /// What a terminal status brings.
    pub end: Option<RunEnd>,
}

/// A message that a run writes.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id.
    pub message_id: MessageId,
    /// What it says.
    pub body: MessageBody,
    /// When.
    pub created_at: Timestamp,
}

/// The whole output of one tool call.
#[derive(Clone, Debug)]
pub struct ToolOutput {
    /// The call.
    pub tool_call_id: ToolCallId,
    /// The text.
    pub content: String,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// The run's one credit entry.
    pub credits: i64,
    /// Why it failed, when it failed.
    pub error_class: Option<String>,
    /// In words, when it failed.
    pub error_message: Option<String>,
}

/// What became of one change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Committed; the first event has the seq `base + 1`.
    Committed {
        /// The run's last seq before.
        base: u64,
    },
    /// The run has another owner or none, or has ended, or isn't there; its driver must let
    /// go of it.
    Stale,
    /// Somebody else holds the run's row for the moment; give the change again.
    Locked,
    /// The run is still this owner's, but its status isn't the expected one: read the log's
    /// new events and decide again.
    Moved,
    /// The database refuses this change's data; giving it again can't help.
    Invalid {
        /// For the log, not for clients.
        reason: String,
    },
}

/// What a person asked of a run, from any node. An intent does not need the run's lease.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The run's organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// The status on which it was decided.
    pub expect_status: RunStatus,
    /// The log on which it was decided, when it depends on it: the run's last seq.
    pub expect_seq: Option<u64>,
    /// The events.
    pub events: Vec<EncodedEvent>,
    /// What follows from them. `release` also takes the run from its owner, if it has one,
    /// and raises the epoch; without it the owner keeps the run, and a run that nobody owns
    /// is to be looked at at once, unless this ends it.
    pub projection: Projection,
}

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intended {
    /// Committed; the first event has the seq `base + 1`.
    Applied {
        /// The run's last seq before.
        base: u64,
    },
    /// The run isn't as expected (any more), or isn't there: read it and decide again.
    Conflict,
}
