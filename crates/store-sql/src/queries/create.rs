//! Creating a run: one transaction under its thread's row lock.

use diesel::prelude::*;
use runloom_domain::{EncodedEvent, OrgId, RunId, RunStatus, ThreadId};
use runloom_store::{
    Content, CreateRun, CreatedRun, FirstEvent, NewRun, OnBusy, Once, Rewind, Wake,
};

use super::{Conn, RunQueryDsl, dialect, keys, project};
use crate::failure::{Failure, Verdict};
use crate::predicate::{IsLive, IsOpen};
use crate::rows::message::MessageRow;
use crate::rows::run::{NewHeadRow, NewRunRow};
use crate::rows::unsigned;
use crate::schema::{contents, messages, run_heads, runs, threads};
use crate::types::{At, Id};

/// The counters of a thread whose row this transaction has locked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadCounters {
    /// The last message's position.
    pub(crate) position: i64,
    /// The number of runs so far.
    pub(crate) turn: i64,
}

/// All that a new run writes.
#[derive(Debug)]
pub(crate) struct Creation {
    pub(crate) head: NewHeadRow,
    pub(crate) wake: Wake,
    pub(crate) wide: NewRunRow,
    pub(crate) message: Option<MessageRow>,
    pub(crate) contents: Vec<Content>,
    pub(crate) event: EncodedEvent,
    pub(crate) thread: ThreadCounters,
}

pub(crate) async fn run(
    c: &mut Conn,
    now: dialect::Now,
    new: NewRun,
) -> Result<Verdict<Once<CreateRun>>, Failure> {
    let (org, thread) = (new.org_id, new.thread_id);
    // The closure can be sent to another thread but not shared, so `new` is not borrowed across
    // an await.
    let (once, on_busy, max_live) = (new.once.clone(), new.on_busy, new.max_live_runs);
    let rewind = new.rewind.clone();
    if let Some(answer) = keys::take(c, now, org, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    let refused = |why| Ok(Verdict::Undo(Once::Done(why)));
    let Some(counters) = dialect::lock_thread(c, org, thread).await? else {
        return refused(CreateRun::NoThread);
    };
    let behind = match place(&open_runs(c, org, thread).await?, on_busy) {
        Ok(behind) => behind,
        Err(why) => return refused(why),
    };
    if behind.is_none() && is_full(c, org, max_live).await? {
        return refused(CreateRun::TooManyLive);
    }
    if let Some(rewind) = rewind
        && !go_back(c, org, thread, rewind, At(new.created_at)).await?
    {
        return refused(CreateRun::NoMessage);
    }
    let (creation, created) = compose(new, counters, behind)?;
    dialect::write_run(c, now, creation).await?;
    Ok(Verdict::Keep(Once::Done(CreateRun::Created(created))))
}

/// The thread's runs that have not ended, in the order of their creation.
async fn open_runs(c: &mut Conn, org: OrgId, thread: ThreadId) -> QueryResult<Vec<(Id, String)>> {
    run_heads::table
        .filter(run_heads::org_id.eq(Id::from(org)))
        .filter(run_heads::thread_id.eq(Id::from(thread)))
        .filter(IsOpen)
        .order(run_heads::turn)
        .select((run_heads::run_id, run_heads::status))
        .load(c)
        .await
}

/// The run to wait behind, if any.
fn place(open: &[(Id, String)], on_busy: OnBusy) -> Result<Option<RunId>, CreateRun> {
    let (Some((first, _)), Some((last, _))) = (open.first(), open.last()) else {
        return Ok(None);
    };
    let waits = |(_, status): &&(Id, String)| status == RunStatus::Queued.as_str();
    match on_busy {
        OnBusy::Reject => {
            let live = open.iter().find(|run| !waits(run));
            Err(CreateRun::Busy(live.map_or(*first, |(run, _)| *run).into()))
        }
        OnBusy::Enqueue { max_queued } => {
            if open.iter().filter(waits).count() >= max_queued as usize {
                return Err(CreateRun::QueueFull);
            }
            Ok(Some((*last).into()))
        }
    }
}

/// Counted without a lock: creations at the same moment in several threads may pass the limit
/// by as many.
async fn is_full(c: &mut Conn, org: OrgId, max_live: Option<u32>) -> QueryResult<bool> {
    let Some(max) = max_live else {
        return Ok(false);
    };
    let live: i64 = run_heads::table
        .filter(run_heads::org_id.eq(Id::from(org)))
        .filter(IsLive)
        .count()
        .get_result(c)
        .await?;
    Ok(live >= i64::from(max))
}

/// Hides what follows the message; false when there is none to go back to.
async fn go_back(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
    rewind: Rewind,
    at: At,
) -> QueryResult<bool> {
    let in_thread = || {
        messages::table
            .filter(messages::org_id.eq(Id::from(org)))
            .filter(messages::thread_id.eq(Id::from(thread)))
            .filter(messages::hidden_at.is_null())
    };
    let mut said = in_thread()
        .filter(messages::role.eq("user"))
        .select(messages::position)
        .order(messages::position.desc())
        .into_boxed();
    if let Some(message) = rewind.message_id {
        said = said.filter(messages::message_id.eq(Id::from(message)));
    }
    let Some(position): Option<i64> = said.first(c).await.optional()? else {
        return Ok(false);
    };
    diesel::update(in_thread().filter(messages::position.gt(position)))
        .set(messages::hidden_at.eq(Some(at)))
        .execute(c)
        .await?;
    if let Some(content) = rewind.content {
        diesel::update(in_thread().filter(messages::position.eq(position)))
            .set(messages::content.eq(content))
            .execute(c)
            .await?;
    }
    Ok(true)
}

fn compose(
    new: NewRun,
    thread: ThreadCounters,
    behind: Option<RunId>,
) -> Result<(Creation, CreatedRun), Failure> {
    let position = thread.position + i64::from(new.input.is_some());
    let history_until = unsigned("threads", "last_position", new.thread_id, position)?;
    let first = match behind {
        None => FirstEvent::Started { history_until },
        Some(behind) => FirstEvent::Queued { behind },
    };
    let event = (new.first_event)(first);
    // A run that waits is nobody's until it is its turn.
    let owner = new.owner.filter(|_| behind.is_none());
    let epoch = i64::from(owner.is_some());
    let status = behind.map_or(RunStatus::Running, |_| RunStatus::Queued);
    let creation = Creation {
        head: NewHeadRow {
            org_id: new.org_id.into(),
            run_id: new.run_id.into(),
            thread_id: new.thread_id.into(),
            turn: thread.turn + 1,
            status: status.as_str(),
            epoch,
            owner_node: owner.map(Id::from),
            attempts: epoch,
            last_seq: 1,
        },
        wake: if owner.is_some() {
            Wake::Never
        } else {
            Wake::Now
        },
        wide: NewRunRow {
            org_id: new.org_id.into(),
            run_id: new.run_id.into(),
            thread_id: new.thread_id.into(),
            created_by: new.created_by.into(),
            trace_id: new.trace_id.to_string(),
            persona_id: new.persona_id,
            route_id: new.route_id,
            model: new.model,
            metadata: new.metadata,
            created_at: At(new.created_at),
        },
        message: new.input.map(|(id, content)| {
            MessageRow::of_person(
                (new.org_id, new.thread_id, Some(new.run_id)),
                history_until,
                id,
                content,
                new.created_by,
                new.created_at,
            )
        }),
        contents: new.contents,
        event: event.clone(),
        thread: ThreadCounters {
            position,
            turn: thread.turn + 1,
        },
    };
    let created = CreatedRun {
        first,
        event,
        epoch: u64::from(owner.is_some()),
    };
    Ok((creation, created))
}

/// Writes the rows one after the other, for a database to which a statement is not a journey.
pub(crate) async fn write(c: &mut Conn, now: dialect::Now, new: Creation) -> QueryResult<()> {
    let (org, run) = (new.head.org_id, new.head.run_id);
    diesel::update(threads::table.find((org, new.head.thread_id)))
        .set((
            threads::last_position.eq(new.thread.position),
            threads::last_turn.eq(new.thread.turn),
        ))
        .execute(c)
        .await?;
    if let Some(message) = new.message {
        diesel::insert_into(messages::table)
            .values(message)
            .execute(c)
            .await?;
    }
    for Content { hash, body } in new.contents {
        diesel::insert_into(contents::table)
            .values((
                contents::org_id.eq(org),
                contents::hash.eq(hash),
                contents::body.eq(body),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await?;
    }
    diesel::insert_into(run_heads::table)
        .values((new.head, run_heads::wake_at.eq(now.due(new.wake))))
        .execute(c)
        .await?;
    diesel::insert_into(runs::table)
        .values(new.wide)
        .execute(c)
        .await?;
    let events = std::slice::from_ref(&new.event);
    project::events(c, (org.into(), run.into()), 0, events).await
}
