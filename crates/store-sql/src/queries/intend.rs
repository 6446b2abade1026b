//! Intents: what people ask of a run, under the run's row lock and without its lease.

use runloom_domain::{OrgId, RunId};
use runloom_store::{Intended, Intent, RunHead};

use super::{Conn, dialect, project};
use crate::failure::{Failure, Verdict};
use crate::text::storable_change;

pub(crate) async fn apply(
    c: &mut Conn,
    now: dialect::Now,
    intent: &Intent,
) -> Result<Verdict<Intended>, Failure> {
    let (org, run): (OrgId, RunId) = (intent.org_id, intent.run_id);
    let head = match dialect::lock_head(c, org, run).await? {
        Some(head) if is_expected(&head, intent) => head,
        _ => return Ok(Verdict::Undo(Intended::Conflict)),
    };
    storable_change(&intent.events, Some(&intent.projection))?;
    let base = head.last_seq;
    project::events(c, (org, run), base, &intent.events).await?;
    let at = project::time(&intent.events, &intent.projection);
    project::beside(c, (org, run, head.thread_id), at, &intent.projection).await?;
    let by = project::Mover {
        is_intent: true,
        is_unowned: !head.owned,
        last_seq: Some(base + intent.events.len() as u64),
    };
    project::head(c, now, (org, run), &intent.projection, by).await?;
    Ok(Verdict::Keep(Intended::Applied { base }))
}

fn is_expected(head: &RunHead, intent: &Intent) -> bool {
    head.status == intent.expect_status
        && !head.status.is_terminal()
        && intent.expect_seq.is_none_or(|seq| seq == head.last_seq)
}
