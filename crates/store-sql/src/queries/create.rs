//! Creating a run: one transaction under its thread's row lock.

use diesel::prelude::*;
use runloom_domain::{EncodedEvent, OrgId, RunId, RunStatus, ThreadId};
use runloom_store::{
    Content, CreateRun, CreatedRun, FirstEvent, NewRun, OnBusy, Once, Remaining, Rewind, Wake,
};

use super::live_runs::LiveRuns;
use super::reserve::{self, Wish};
use super::{Conn, RunQueryDsl, children, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::predicate::IsOpen;
use crate::rows::message::MessageRow;
use crate::rows::run::{NewHeadRow, NewRunRow};
use crate::rows::unsigned;
use crate::schema::{messages, run_heads};
use crate::text::storable;
use crate::types::{At, Id};

/// The counters of a thread whose row this transaction has locked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadCounters {
    /// The last message's position.
    pub(crate) position: i64,
    /// The number of runs so far.
    pub(crate) turn: i64,
}

impl ThreadCounters {
    /// Those of a thread in which nothing has happened.
    const NEW: Self = Self {
        position: 0,
        turn: 0,
    };
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
    /// The thread's counters with the run.
    pub(crate) thread: ThreadCounters,
}

/// Creates the run in the transaction that the caller has begun.
///
/// `new` is borrowed mutably though it isn't changed: what it holds can be sent to another
/// thread but not shared, and the future must be sendable.
pub(crate) async fn run(
    c: &mut Conn,
    now: dialect::Now,
    new: &mut NewRun,
) -> Result<Verdict<Once<CreateRun>>, Failure> {
    let (org, thread) = (new.org_id, new.thread_id);
    let (once, on_busy, live) = (new.once.clone(), new.on_busy, LiveRuns::beside(new));
    let child = new.parent.as_ref().map(|parent| parent.run_id);
    let child = child.zip(new.thread_to_make());
    let (rewind, at) = (new.rewind.clone(), At(new.created_at));
    let refused = |why| Ok(Verdict::Undo(Once::Done(why)));
    // The thread before the key, as in every transaction that takes both; but a child's is only
    // made when its key is new.
    let counters = match &child {
        None => dialect::lock_thread(c, org, thread).await?,
        Some(_) => Some(ThreadCounters::NEW),
    };
    if let Some(answer) = keys::take(c, now, org, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    let Some(counters) = counters else {
        return refused(CreateRun::NoThread);
    };
    let mut root = None;
    if let Some((parent, made)) = child {
        root = children::make_thread(c, parent, made).await?;
        if root.is_none() {
            return refused(CreateRun::NoParent);
        }
    }
    if let Some(rewind) = rewind
        && !go_back(c, org, thread, rewind, at).await?
    {
        return refused(CreateRun::NoMessage);
    }
    let behind = match place(&open_runs(c, org, thread).await?, on_busy) {
        Ok(behind) => behind,
        Err(why) => return refused(why),
    };
    if behind.is_none()
        && let Some(scope) = live.full(c).await?
    {
        return refused(CreateRun::TooManyLive(scope));
    }
    let wish = Wish::of(new, root);
    let limits = reserve::limits(c, &wish).await?;
    let granted = match reserve::hold(c, &wish, &limits).await? {
        Ok(granted) => granted,
        Err(why) => return refused(why),
    };
    let (creation, mut created) = compose(new, counters, (behind, root), limits.any())?;
    created.granted = granted;
    dialect::write_run(c, now, creation).await?;
    Ok(Verdict::Keep(Once::Done(CreateRun::Created(Box::new(
        created,
    )))))
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
pub(crate) fn place(open: &[(Id, String)], on_busy: OnBusy) -> Result<Option<RunId>, CreateRun> {
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

pub(crate) fn compose(
    new: &NewRun,
    thread: ThreadCounters,
    (behind, root): (Option<RunId>, Option<ThreadId>),
    budgeted: bool,
) -> Result<(Creation, CreatedRun), Failure> {
    let position = thread.position + i64::from(new.input.is_some());
    let history_until = unsigned("threads", "last_position", new.thread_id, position)?;
    let first = match behind {
        None => FirstEvent::Started { history_until },
        Some(behind) => FirstEvent::Queued { behind },
    };
    let event = (new.first_event)(first, budgeted);
    storable(texts(new).chain([event.data.as_str()]))?;
    // A run that waits is nobody's until it is its turn.
    let owner = new.owner.filter(|_| behind.is_none());
    let epoch = i64::from(owner.is_some());
    let parent_run_id = new.parent.as_ref().map(|parent| parent.run_id.into());
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
            parent_run_id,
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
            persona_id: new.persona_id.clone(),
            route_id: new.route_id.clone(),
            model: new.model.clone(),
            metadata: new.metadata.clone(),
            api_key_id: new.api_key_id.map(Id::from),
            created_at: At(new.created_at),
            parent_run_id,
            root_thread_id: root.map(Id::from),
        },
        message: new.input.as_ref().map(|(id, content)| {
            MessageRow::of_person(
                (new.org_id, new.thread_id, Some(new.run_id)),
                history_until,
                *id,
                content.clone(),
                new.created_by,
                new.created_at,
            )
        }),
        contents: new.contents.clone(),
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
        granted: Some(Remaining::default()),
    };
    Ok((creation, created))
}

/// Every text of a new run that comes from outside.
fn texts(new: &NewRun) -> impl Iterator<Item = &str> {
    let input = new.input.iter().map(|(_, content)| content.as_str());
    let rewritten = new.rewind.iter().filter_map(|r| r.content.as_deref());
    let contents = new.contents.iter().map(|content| content.body.as_str());
    let metadata = new.metadata.as_deref();
    input.chain(rewritten).chain(contents).chain(metadata)
}
