//! Rebuilding a run from its log.

use runloom_domain::event::ResumeReason;
use runloom_domain::{EventBody, OrgId, RunId, StoredEvent, ThreadId, Usage};
use runloom_store::{ClaimedRun, RunStore, StoreError};

use super::{Owned, history};
use crate::machine::{Input, Phase, RunState};
use crate::shared::Shared;

/// How many events are read at once.
const PAGE: u32 = 500;

/// A run's log can't be read or isn't a run's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// An event's data is damaged.
    #[error("event {seq} can't be read")]
    Event {
        /// Which.
        seq: u64,
        /// What was wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The log is empty or begins with something else.
    #[error("the log has no beginning")]
    NoBeginning,
}

fn decode(stored: &StoredEvent) -> Result<runloom_domain::Event, LoadError> {
    stored.decode().map_err(|source| LoadError::Event {
        seq: stored.seq,
        source,
    })
}

/// Folds a run's log. Deltas are never read.
pub(crate) async fn fold_log(
    store: &dyn RunStore,
    org: OrgId,
    run: RunId,
) -> Result<RunState, LoadError> {
    let mut state: Option<RunState> = None;
    let mut after = 0;
    loop {
        let page = store.log(org, run, after, PAGE).await?;
        for stored in &page {
            let event = decode(stored)?;
            match &mut state {
                Some(state) => state.apply(&event),
                None => {
                    state = Some(RunState::begin(&event).map_err(|_| LoadError::NoBeginning)?);
                }
            }
            after = stored.seq;
        }
        if page.len() < PAGE as usize {
            return state.ok_or(LoadError::NoBeginning);
        }
    }
}

/// Folds events that others wrote, up to `until`.
pub(super) async fn catch_up(
    shared: &Shared,
    run: &mut Owned,
    until: u64,
) -> Result<(), LoadError> {
    loop {
        let after = run.state.last_seq;
        let page = shared
            .parts
            .store
            .log(run.org_id, run.run_id, after, PAGE)
            .await?;
        for stored in page.iter().filter(|stored| stored.seq <= until) {
            run.state.apply(&decode(stored)?);
        }
        if page.len() < PAGE as usize {
            return Ok(());
        }
    }
}

/// A run that this node has taken, as its row says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) org_id: OrgId,
    pub(crate) run_id: RunId,
    pub(crate) thread_id: ThreadId,
    pub(crate) epoch: u64,
    pub(crate) attempts: u32,
    pub(crate) last_seq: u64,
    pub(crate) lost: Option<ResumeReason>,
    /// Whether it was taken because its time had come.
    pub(crate) due: bool,
    pub(crate) thread_position: u64,
}

impl From<&ClaimedRun> for Taken {
    fn from(claimed: &ClaimedRun) -> Self {
        Self {
            org_id: claimed.org_id,
            run_id: claimed.run_id,
            thread_id: claimed.thread_id,
            epoch: claimed.epoch,
            attempts: claimed.attempts,
            last_seq: claimed.last_seq,
            lost: claimed.lost,
            // A run that was lost is claimed at once, whatever it was waiting for.
            due: claimed.lost.is_none(),
            thread_position: claimed.thread_position,
        }
    }
}

/// Rebuilds a run that was taken, and says with what its driver begins.
pub(crate) async fn load(shared: &Shared, taken: &Taken) -> Result<(Owned, Input), LoadError> {
    let store = &*shared.parts.store;
    let mut state = fold_log(store, taken.org_id, taken.run_id).await?;
    // How many deltas follow the last event is told by the row, not by reading them.
    state.last_seq = taken.last_seq;
    let run = Owned {
        org_id: taken.org_id,
        run_id: taken.run_id,
        thread_id: taken.thread_id,
        epoch: taken.epoch,
        state,
        due: taken.due,
        granted: None,
    };
    let cut_usage = cut_usage(shared, &run).await?;
    let input = Input::Claimed {
        attempts: taken.attempts,
        lost: taken.lost,
        thread_position: taken.thread_position,
        cut_usage,
    };
    Ok((run, input))
}

/// What a model call that a crash has cut had used, by estimate: the history that was sent
/// and the text that came back. It is the one time that deltas are read again.
async fn cut_usage(shared: &Shared, run: &Owned) -> Result<Usage, LoadError> {
    let Phase::Calling(_, first) = run.state.phase else {
        return Ok(Usage::estimated(0, 0));
    };
    let sent = history::load(shared, run.into()).await?;
    let input = run.state.spec.prompt.len() + sent.iter().map(history::size).sum::<usize>();
    let (mut output, mut after) = (0, first - 1);
    loop {
        let page = shared
            .parts
            .store
            .events(run.org_id, run.run_id, after, PAGE)
            .await?;
        for stored in &page {
            if let EventBody::MessageDelta(delta) | EventBody::ReasoningDelta(delta) =
                decode(stored)?.body
            {
                output += delta.content.len();
            }
            after = stored.seq;
        }
        if page.len() < PAGE as usize {
            return Ok(Usage::estimated(input, output));
        }
    }
}
