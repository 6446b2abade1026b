//! The parts of the log: partitions of `events` by the month in which a run began.
//!
//! Each step is one short transaction of one node. The months to come are attached when the
//! partition of all other rows is empty, so nothing is scanned. When it isn't, as after the
//! migration that made it of the whole log, its rows are first set apart: a constraint says that
//! they are all before the month after next, which is checked beside all other work, and with
//! that it is attached as a part of its own.

mod bounds;
mod past;
mod state;

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use futures_util::FutureExt;
use runloom_store::Tended;

use self::state::{Month, Seal, State};
use super::Conn;
use super::error::{Class, class};
use super::housekeeping::is_alone;
use super::lanes::Lent;
use super::transaction::transaction;
use crate::failure::{Failure, Verdict};

pub(super) use bounds::Range;
pub(super) use past::make_past;

/// The parts belong to whoever migrates, not to the role of the session.
const AS_LOGIN: &str = "SET LOCAL ROLE NONE";

/// Whoever waits for a table's lock is in the way of all who come later. Steps that don't get
/// theirs so soon are left to the next time.
const BRIEFLY: &str = "SET LOCAL lock_timeout = '300ms'; SET LOCAL statement_timeout = '10s'";

/// Reading all rows may take as long as it does; it keeps nobody from reading and writing.
const AT_LEISURE: &str = "SET LOCAL statement_timeout = 0";

/// How long a visit may take in all, to read the rows of a large log too. What takes longer is cut
/// off, and begun anew at the next visit.
pub(super) const PATIENCE: Duration = Duration::from_hours(1);

/// Steps of one visit at most; more than there ever are.
const STEPS: u32 = 100;

/// What a step has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Another node is at it.
    Busy,
    Made,
    Dropped,
    /// There is more to be done before a part can be made.
    Prepared,
    /// All is as it should be, with so many parts ahead.
    Nothing {
        ahead: u64,
    },
}

pub(super) async fn tend(lent: &mut Lent, days: u32) -> Result<Tended, Failure> {
    let mut tended = Tended::default();
    for _ in 0..STEPS {
        let taken = transaction(lent, &mut (), |c, ()| step(c, days).boxed()).await;
        match checked(lent, taken).await? {
            Step::Busy => break,
            Step::Made => tended.made += 1,
            Step::Dropped => tended.dropped += 1,
            Step::Prepared => {}
            Step::Nothing { ahead } => {
                tended.ahead = ahead;
                break;
            }
        }
    }
    Ok(tended)
}

/// Ids of the runs whose parts will soon be dropped.
pub(super) async fn soon_dropped(c: &mut Conn, days: u32) -> Result<Option<Range>, Failure> {
    let Some(longest) = state::longest_retention(c, days).await? else {
        return Ok(None);
    };
    let (parts, now) = (state::parts(c).await?, state::now_ms(c).await?);
    let ranges = parts.iter().map(|part| part.range);
    let mut soon = ranges.filter(|range| range.is_soon_past(longest, now));
    let Some(first) = soon.next() else {
        return Ok(None);
    };
    // Parts follow each other in time, so these do.
    let to = soon.next_back().unwrap_or(first).to;
    Ok(Some(Range { to, ..first }))
}

async fn step(c: &mut Conn, days: u32) -> Result<Verdict<Step>, Failure> {
    c.batch_execute(AS_LOGIN).await?;
    c.batch_execute(BRIEFLY).await?;
    if !is_alone(c).await? {
        return Ok(Verdict::Undo(Step::Busy));
    }
    let state = State::read(c).await?;
    if let Some(name) = droppable(c, &state, days).await? {
        c.batch_execute(&format!("DROP TABLE {name}")).await?;
        return Ok(Verdict::Keep(Step::Dropped));
    }
    let (statements, step) = match (&state.seal, state.has_rest) {
        (None, true) => (begin_seal(&state, state.after_next()), Step::Prepared),
        (Some(seal), true) => match state.month(&seal.month) {
            Some(month) if seal.is_valid => (end_seal(&state, seal, month), Step::Made),
            Some(_) => (format!("{AT_LEISURE}; {}", seal.check()), Step::Prepared),
            // Its time has come before it was checked.
            None => (seal.lift(), Step::Prepared),
        },
        (Some(seal), false) => (seal.lift(), Step::Prepared),
        (None, false) => {
            let Some((name, range)) = state.missing() else {
                let ahead = state.ahead();
                return Ok(Verdict::Undo(Step::Nothing { ahead }));
            };
            (make(&name, range), Step::Made)
        }
    };
    c.batch_execute(&statements).await?;
    Ok(Verdict::Keep(step))
}

/// A seal that some rows don't fit is lifted: the log then stays as it is, and its events are
/// deleted one by one.
async fn checked(lent: &mut Lent, taken: Result<Step, Failure>) -> Result<Step, Failure> {
    if let Err(Failure::Sql(error)) = &taken
        && class(error) == Class::Data
    {
        transaction(lent, &mut (), |c, ()| lift(c).boxed()).await?;
    }
    taken
}

async fn lift(c: &mut Conn) -> Result<Verdict<()>, Failure> {
    c.batch_execute(AS_LOGIN).await?;
    c.batch_execute(BRIEFLY).await?;
    if let Some(seal) = State::read(c).await?.seal.filter(|seal| !seal.is_valid) {
        c.batch_execute(&seal.lift()).await?;
    }
    Ok(Verdict::Keep(()))
}

/// A part into which no retention reaches and of whose runs none has its events.
async fn droppable<'s>(
    c: &mut Conn,
    state: &'s State,
    days: u32,
) -> Result<Option<&'s str>, Failure> {
    let Some(longest) = state::longest_retention(c, days).await? else {
        return Ok(None);
    };
    for part in &state.parts {
        if part.range.is_past(longest, state.now_ms) && !state::is_needed(c, part.range).await? {
            return Ok(Some(&part.name));
        }
    }
    Ok(None)
}

/// What [`events`](crate::schema::events) has of row-level security doesn't hold for who reads a
/// part by its own name: that one finds nothing, unless the part is theirs.
fn make(name: &str, Range { from, to }: Range) -> String {
    format!(
        "CREATE TABLE {name} (LIKE events INCLUDING ALL);
        ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}')"
    )
}

/// From now on no row comes that doesn't fit.
fn begin_seal(state: &State, Month { name, from }: &Month) -> String {
    let since = state
        .end()
        .map_or(String::new(), |end| format!("run_id >= '{end}' AND "));
    format!(
        "ALTER TABLE events_default ADD CONSTRAINT {}{name} CHECK ({since}run_id < '{from}')
        NOT VALID",
        Seal::NAME
    )
}

fn end_seal(state: &State, seal: &Seal, Month { name, from }: &Month) -> String {
    let since = state
        .end()
        .map_or("MINVALUE".to_owned(), |end| format!("'{end}'"));
    format!(
        "ALTER TABLE events DETACH PARTITION events_default;
        ALTER TABLE events_default RENAME TO events_before_{name};
        ALTER TABLE events ATTACH PARTITION events_before_{name}
            FOR VALUES FROM ({since}) TO ('{from}');
        ALTER TABLE events_before_{name} DROP CONSTRAINT {};
        CREATE TABLE events_default PARTITION OF events DEFAULT;
        ALTER TABLE events_default ENABLE ROW LEVEL SECURITY",
        seal.name()
    )
}
