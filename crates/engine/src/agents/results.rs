//! What a parent is told of its children.

use runloom_domain::event::{RunShare, SettledRun};
use runloom_domain::{EventBody, RunId, RunStatus, RunTotals, text};
use runloom_store::{RunRecord, RunStore, StoreError};
use serde::Serialize;

use crate::machine::Children;

/// How much of all answers together the model is shown, and of one, in bytes. As JSON they are
/// longer; there is room for that below what is shown of any tool's output.
const MAX_SHOWN: (usize, usize) = (40 * 1024, 16 * 1024);

/// How many runs are looked at to count what descends from one child.
const MAX_COUNTED: usize = 1_000;

/// What is found.
pub(super) struct Found {
    /// For the model.
    pub(super) text: String,
    /// What the children have used that have ended with all that descends from them.
    pub(super) settled: Vec<SettledRun>,
}

#[derive(Serialize)]
struct Shown<'a> {
    agents: Vec<ShownRun<'a>>,
}

#[derive(Serialize)]
struct ShownRun<'a> {
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    status: RunStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    output_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ShownError<'a>>,
    usage: ShownUsage,
}

#[derive(Serialize)]
struct ShownError<'a> {
    class: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct ShownUsage {
    cost_usd: f64,
    input_tokens: u64,
    output_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Reads what has become of children. One that still lives is shown as it stands.
pub(super) async fn read(
    store: &dyn RunStore,
    children: &[&RunRecord],
    known: &Children,
) -> Result<Found, StoreError> {
    let cap = (MAX_SHOWN.0 / children.len().max(1)).min(MAX_SHOWN.1);
    let (mut agents, mut settled) = (Vec::new(), Vec::new());
    for child in children {
        let output = output(store, child).await?;
        let shown = output.as_deref().map(|output| text::prefix(output, cap));
        let (totals, is_over) = with_descendants(store, child).await?;
        if is_over {
            settled.push(SettledRun {
                run_id: child.run_id,
                used: RunShare {
                    cost: totals.cost,
                    output_tokens: totals.tokens.output_tokens,
                },
            });
        }
        agents.push(ShownRun {
            run_id: child.run_id,
            name: known.name(child.run_id),
            status: child.status,
            output_truncated: shown.map(str::len) < output.as_ref().map(String::len),
            output: shown.map(str::to_owned),
            error: child.error_class.as_deref().map(|class| ShownError {
                class,
                message: child.error_message.as_deref().unwrap_or_default(),
            }),
            usage: ShownUsage {
                cost_usd: totals.cost.as_dollars(),
                input_tokens: totals.tokens.input_tokens(),
                output_tokens: totals.tokens.output_tokens,
            },
        });
    }
    // Plain structs with string keys: the encoder has nothing to fail on.
    let text = serde_json::to_string(&Shown { agents }).unwrap_or_default();
    Ok(Found { text, settled })
}

/// A run's answer: the text of its last event. None when there is no answer, or its events are not
/// kept any more.
async fn output(store: &dyn RunStore, run: &RunRecord) -> Result<Option<String>, StoreError> {
    if run.status != RunStatus::Completed {
        return Ok(None);
    }
    let (org, id) = (run.org_id, run.run_id);
    let Some(head) = store.head(org, id).await? else {
        return Ok(None);
    };
    let last = store.events(org, id, head.last_seq.saturating_sub(1), 1);
    let last = last.await?.pop().and_then(|stored| stored.decode().ok());
    Ok(match last.map(|event| event.body) {
        Some(EventBody::RunCompleted(completed)) => Some(completed.output),
        _ => None,
    })
}

/// What a run has used with all that descends from it, and whether all of them have ended. A tree
/// that is too large to be counted counts as one that goes on.
async fn with_descendants(
    store: &dyn RunStore,
    run: &RunRecord,
) -> Result<(RunTotals, bool), StoreError> {
    let (mut totals, mut is_over) = (run.totals, run.status.is_terminal());
    let (org, mut open) = (run.org_id, vec![run.run_id]);
    for _ in 0..MAX_COUNTED {
        let Some(next) = open.pop() else {
            return Ok((totals, is_over));
        };
        for child in store.children(org, next).await? {
            totals.tokens = totals.tokens + child.totals.tokens;
            totals.cost = totals.cost + child.totals.cost;
            is_over &= child.status.is_terminal();
            open.push(child.run_id);
        }
    }
    Ok((totals, false))
}
