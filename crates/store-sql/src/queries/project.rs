//! What events bring with them: messages, ledger rows, totals, outputs, and the end.

use diesel::prelude::*;
use runloom_domain::{EncodedEvent, OrgId, RunId, RunStatus, ThreadId, Timestamp};
use runloom_store::{NewMessage, Projection, RunEnd, ToolOutput, Wake};

use super::{Conn, RunQueryDsl, dialect, settle};
use crate::failure::Failure;
use crate::rows::event::NewEventRow;
use crate::rows::message::MessageRow;
use crate::rows::run::{NewCallRow, RunChanges};
use crate::rows::{signed, unsigned};
use crate::schema::{
    credit_entries, events, messages, model_calls, run_heads, runs, threads, tool_outputs,
};
use crate::types::{At, Id};

/// Who moves a run's narrow row, besides what a projection says; by default its owner.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mover {
    /// A person, whose release also raises the epoch.
    pub(crate) is_intent: bool,
    /// Nobody owns the run, so somebody must learn of the move.
    pub(crate) is_unowned: bool,
    /// The run's last seq from now on, if it hasn't been moved yet.
    pub(crate) last_seq: Option<u64>,
}

/// When the rows beside the events are made: with the last of them.
pub(crate) fn time(events: &[EncodedEvent], projection: &Projection) -> Option<Timestamp> {
    let of_events = events.last().map(|event| event.created_at);
    let of_end = projection.end.as_ref().map(|end| end.at);
    of_events.or(of_end)
}

pub(crate) async fn events(
    c: &mut Conn,
    (org, run): (OrgId, RunId),
    base: u64,
    events: &[EncodedEvent],
) -> QueryResult<()> {
    for (seq, event) in (base + 1..).zip(events) {
        diesel::insert_into(events::table)
            .values(NewEventRow::new(org, run, seq, event))
            .execute(c)
            .await?;
    }
    Ok(())
}

/// Writes all of a projection but the run's narrow row.
pub(crate) async fn beside(
    c: &mut Conn,
    (org, run, thread): (OrgId, RunId, ThreadId),
    at: Option<Timestamp>,
    projection: &Projection,
) -> Result<(), Failure> {
    messages(c, (org, run, thread), &projection.messages).await?;
    for call in &projection.calls {
        let row = NewCallRow::new(org, run, at.unwrap_or_default(), call);
        let insert = diesel::insert_into(model_calls::table).values(row);
        insert.execute(c).await?;
    }
    for ToolOutput {
        tool_call_id,
        content,
    } in &projection.outputs
    {
        diesel::insert_into(tool_outputs::table)
            .values((
                tool_outputs::org_id.eq(Id::from(org)),
                tool_outputs::run_id.eq(Id::from(run)),
                tool_outputs::tool_call_id.eq(Id::from(*tool_call_id)),
                tool_outputs::content.eq(content),
            ))
            .execute(c)
            .await?;
    }
    wide(c, (org, run), projection).await?;
    Ok(())
}

async fn messages(
    c: &mut Conn,
    (org, run, thread): (OrgId, RunId, ThreadId),
    new: &[NewMessage],
) -> Result<(), Failure> {
    if new.is_empty() {
        return Ok(());
    }
    let count = signed(new.len() as u64);
    let last: i64 = diesel::update(threads::table.find((Id::from(org), Id::from(thread))))
        .set(threads::last_position.eq(threads::last_position + count))
        .returning(threads::last_position)
        .get_result(c)
        .await?;
    let base: u64 = unsigned("threads", "last_position", thread, last - count)?;
    for (position, message) in (base + 1..).zip(new) {
        diesel::insert_into(messages::table)
            .values(MessageRow::of_run((org, thread, run), position, message))
            .execute(c)
            .await?;
    }
    Ok(())
}

/// The run's totals and its end.
async fn wide(
    c: &mut Conn,
    (org, run): (OrgId, RunId),
    projection: &Projection,
) -> QueryResult<()> {
    let (org, run) = (Id::from(org), Id::from(run));
    if projection.totals.is_some() || projection.end.is_some() {
        diesel::update(runs::table.find((org, run)))
            .set(RunChanges::new(projection.totals, projection.end.as_ref()))
            .execute(c)
            .await?;
    }
    if let Some(RunEnd { at, credits, .. }) = &projection.end {
        diesel::insert_into(credit_entries::table)
            .values((
                credit_entries::org_id.eq(org),
                credit_entries::run_id.eq(run),
                credit_entries::credits.eq(credits),
                credit_entries::created_at.eq(At(*at)),
            ))
            .execute(c)
            .await?;
        settle::settle(c, (org, run), *credits, At(*at)).await?;
    }
    Ok(())
}

/// Moves the run's narrow row: status, who owns it, and when somebody must look at it.
pub(crate) async fn head(
    c: &mut Conn,
    now: dialect::Now,
    (org, run): (OrgId, RunId),
    projection: &Projection,
    by: Mover,
) -> QueryResult<()> {
    use run_heads as h;
    let ended = projection.status.is_some_and(RunStatus::is_terminal);
    let released = projection.release.is_some();
    let progress = ended || released || !projection.messages.is_empty();
    let wake = match projection.release {
        _ if ended => Some(Wake::Never),
        Some(wake) => Some(wake),
        None => by.is_unowned.then_some(Wake::Now),
    };
    let seq = by.last_seq.map(signed);
    let raised = by.is_intent && released;
    if seq.is_none() && projection.status.is_none() && wake.is_none() && !progress {
        return Ok(());
    }
    diesel::update(run_heads::table.find((Id::from(org), Id::from(run))))
        .set((
            seq.map(|seq| h::last_seq.eq(seq)),
            projection.status.map(|new| h::status.eq(new.as_str())),
            raised.then(|| h::epoch.eq(h::epoch + 1)),
            (ended || released).then(|| h::owner_node.eq(None::<Id>)),
            wake.map(|wake| h::wake_at.eq(now.due(wake))),
            progress.then(|| h::attempts.eq(0)),
            (ended || released).then(|| h::lost.eq(None::<String>)),
        ))
        .execute(c)
        .await?;
    Ok(())
}
