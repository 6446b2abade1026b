//! Whose runs a caller sees, in each place that tells of one.

use std::collections::HashSet;

use runloom_accounts::Caller;
use runloom_domain::{Message, RunId, UserId};
use runloom_store::ThreadRecord;

use super::not_found;
use crate::error::ApiError;
use crate::state::HttpState;

/// The only person whose runs the caller sees; `None` when it is everybody.
pub(crate) async fn only_of(
    state: &HttpState,
    caller: &Caller,
) -> Result<Option<UserId>, ApiError> {
    let accounts = state.accounts();
    let sight = state.read(accounts.run_sight(caller)).await?;
    Ok(sight.only_of())
}

/// Whether the caller sees a run. One that isn't there is seen where everybody's are: whoever
/// looks for it finds that out.
pub(crate) async fn is_seen(
    state: &HttpState,
    caller: &Caller,
    run: RunId,
) -> Result<bool, ApiError> {
    let hidden = hidden(state, caller, std::iter::once(run)).await?;
    Ok(hidden.is_empty())
}

/// Refuses a run that the caller doesn't see, as one that isn't there.
pub(crate) async fn visible(
    state: &HttpState,
    caller: &Caller,
    run: RunId,
) -> Result<(), ApiError> {
    if is_seen(state, caller, run).await? {
        Ok(())
    } else {
        Err(not_found())
    }
}

/// Those of some runs that the caller doesn't see.
async fn hidden(
    state: &HttpState,
    caller: &Caller,
    runs: impl Iterator<Item = RunId>,
) -> Result<HashSet<RunId>, ApiError> {
    let Some(only) = only_of(state, caller).await? else {
        return Ok(HashSet::new());
    };
    let mut hidden: HashSet<RunId> = runs.collect();
    if hidden.is_empty() {
        return Ok(hidden);
    }
    let store = state.store();
    let asked = hidden.iter().copied().collect();
    let own = state.read(store.runs_created_by(caller.org_id, only, asked));
    for run in own.await? {
        hidden.remove(&run);
    }
    Ok(hidden)
}

/// Takes the names of runs that the caller doesn't see out of threads.
pub(crate) async fn of_threads(
    state: &HttpState,
    caller: &Caller,
    threads: &mut [ThreadRecord],
) -> Result<(), ApiError> {
    let named = threads.iter().filter_map(|thread| thread.active_run_id);
    let hidden = hidden(state, caller, named).await?;
    for thread in threads {
        thread.active_run_id = thread.active_run_id.filter(|run| !hidden.contains(run));
    }
    Ok(())
}

/// Takes the names of runs that the caller doesn't see out of messages. What the messages say
/// belongs to the thread.
pub(crate) async fn of_messages(
    state: &HttpState,
    caller: &Caller,
    messages: &mut [Message],
) -> Result<(), ApiError> {
    let named = messages.iter().filter_map(|message| message.run_id);
    let hidden = hidden(state, caller, named).await?;
    for message in messages {
        message.run_id = message.run_id.filter(|run| !hidden.contains(run));
    }
    Ok(())
}
