//! Creating a run in two journeys instead of seven.
//!
//! The thread is read without a lock, the creation is decided here, and one statement writes
//! everything if the thread's counters still are what was read: every creation raises them, so
//! nobody has come between. Whatever isn't plain (going back in the thread, a child whose thread
//! has to be made, an idempotency key
//! that is there already, losing the race) takes the transaction that SQLite takes too.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};
use futures_util::FutureExt;
use runloom_store::{CreateRun, CreatedRun, KeyConflict, NewRun, Once};

use super::dialect::{Due, Now, gave_up_waiting};
use super::lanes::Lent;
use super::queries::create::{self, Creation, ThreadCounters};
use super::queries::live_runs::LiveRuns;
use super::queries::reserve::{self, Limits, Wish};
use super::transaction::transaction;
use super::{Conn, RunQueryDsl};
use crate::failure::{Failure, Verdict};
use crate::fragment::fragment;
use crate::predicate::IsOpen;
use crate::rows::account::NewKeyRow;
use crate::rows::message::MessageRow;
use crate::schema::{budgets, orgs, run_heads, threads};
use crate::types::{At, Id, Moment, Uid};

/// How often a creation is tried that others have come before.
const TRIES: u32 = 3;

pub(super) async fn run(lent: &mut Lent, mut new: NewRun) -> Result<Once<CreateRun>, Failure> {
    if new.rewind.is_none() && new.parent.is_none() {
        for _ in 0..TRIES {
            match quickly(lent, &mut new).await? {
                Quick::Done(answer) => return Ok(answer),
                Quick::Overtaken => {}
                Quick::NotPlain => break,
            }
        }
    }
    transaction(lent, &mut new, |c, new| create::run(c, Now, new).boxed()).await
}

/// What became of the short way.
enum Quick {
    Done(Once<CreateRun>),
    /// Somebody changed the thread in between.
    Overtaken,
    /// It takes the long way.
    NotPlain,
}

/// The thread's counters, its runs that have not ended, and whether something limits what the
/// run may spend.
struct Seen {
    counters: ThreadCounters,
    open: Vec<(Id, String)>,
    limits: Limited,
}

/// Whether anything may limit a run.
enum Limited {
    No,
    /// Credits do if `metered`, and the organisation's budgets if it has one that fits.
    Perhaps {
        metered: bool,
    },
}

async fn quickly(lent: &mut Lent, new: &mut NewRun) -> Result<Quick, Failure> {
    let mut begun = lent.begin();
    let c = &mut *begun;
    let metered = new.allowance.metered;
    let (org, thread) = (new.org_id.into(), new.thread_id.into());
    let Some(seen) = read(c, org, thread, metered).await? else {
        return Ok(Quick::NotPlain);
    };
    let Seen { counters, open, .. } = seen;
    let key = new
        .once
        .as_ref()
        .map(|once| NewKeyRow::new(new.org_id.into(), once));
    let live = LiveRuns::beside(new);
    let behind = match create::place(&open, new.on_busy) {
        Ok(None) => match live.full(c).await? {
            Some(scope) => Err(CreateRun::TooManyLive(scope)),
            None => Ok(None),
        },
        placed => placed,
    };
    let behind = match behind {
        Ok(behind) => behind,
        Err(why) if key.is_none() => return Ok(Quick::Done(Once::Done(why))),
        // The key may have been used to create just what is in the way.
        Err(_) => return Ok(Quick::NotPlain),
    };
    let wish = Wish::of(new, None);
    let limits = match seen.limits {
        Limited::No => None,
        Limited::Perhaps { metered } => Some(reserve::limits_beside(c, &wish, metered).await?),
    };
    let limits = limits.filter(Limits::any);
    let (creation, created) = create::compose(new, counters, (behind, None), limits.is_some())?;
    let Some(limits) = limits else {
        let created = CreateRun::Created(Box::new(created));
        let written = begun.last(|c| write(c, &creation, key.as_ref()).boxed());
        let unwritten = unwritten(written.await, key.is_some())?;
        return Ok(unwritten.unwrap_or(Quick::Done(Once::Done(created))));
    };
    drop(begun);
    within_limits(lent, (creation, key), created, (wish, limits)).await
}

/// Why the run and its key were not written, if they weren't.
fn unwritten(written: QueryResult<bool>, has_key: bool) -> Result<Option<Quick>, Failure> {
    match written {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(Quick::Overtaken)),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Ok(Some(Quick::NotPlain))
        }
        Err(error) if has_key && gave_up_waiting(&error) => {
            let conflict = Once::Conflict(KeyConflict::InProgress);
            Ok(Some(Quick::Done(conflict)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes the run and then what it reserves, in a transaction: the latter may be refused, which
/// undoes the former. In this order, since all runs of the organisation wait from the first
/// reservation to the commit.
async fn within_limits(
    lent: &mut Lent,
    what: (Creation, Option<NewKeyRow>),
    created: CreatedRun,
    limits: (Wish, Limits),
) -> Result<Quick, Failure> {
    let mut given = (what, created, limits);
    transaction(lent, &mut given, |c, given| {
        async move {
            let ((creation, key), created, (wish, limits)) = given;
            let written = write(c, creation, key.as_ref()).await;
            if let Some(why) = unwritten(written, key.is_some())? {
                return Ok(Verdict::Undo(why));
            }
            Ok(match reserve::hold(c, wish, limits).await? {
                Ok(granted) => {
                    let created = CreatedRun {
                        granted,
                        ..created.clone()
                    };
                    let created = CreateRun::Created(Box::new(created));
                    Verdict::Keep(Quick::Done(Once::Done(created)))
                }
                Err(why) => Verdict::Undo(Quick::Done(Once::Done(why))),
            })
        }
        .boxed()
    })
    .await
}

/// The thread's counters, one of its open runs, the organisation's own rule about credits, and
/// whether it has a budget.
type SeenRow = (i64, i64, Option<Id>, Option<String>, Option<bool>, bool);

/// What is to be known before a creation, at one moment.
async fn read(c: &mut Conn, org: Id, thread: Id, metered: bool) -> QueryResult<Option<Seen>> {
    let has_budget = diesel::dsl::exists(budgets::table.filter(budgets::org_id.eq(org)));
    let rows: Vec<SeenRow> = threads::table
        .left_join(
            run_heads::table.on(run_heads::org_id
                .eq(threads::org_id)
                .and(run_heads::thread_id.eq(threads::thread_id))
                .and(IsOpen)),
        )
        .left_join(orgs::table.on(orgs::org_id.eq(threads::org_id)))
        .filter(threads::org_id.eq(org))
        .filter(threads::thread_id.eq(thread))
        .filter(threads::deleted_at.is_null())
        .order(run_heads::turn)
        .select((
            threads::last_position,
            threads::last_turn,
            run_heads::run_id.nullable(),
            run_heads::status.nullable(),
            orgs::metered.nullable(),
            has_budget,
        ))
        .load(c)
        .await?;
    let Some((position, turn, _, _, own_rule, has_budget)) = rows.as_slice().first() else {
        return Ok(None);
    };
    Ok(Some(Seen {
        counters: ThreadCounters {
            position: *position,
            turn: *turn,
        },
        limits: match own_rule.unwrap_or(metered) {
            metered if metered || *has_budget => Limited::Perhaps { metered },
            _ => Limited::No,
        },
        open: rows
            .into_iter()
            .filter_map(|(_, _, run, status, ..)| Some((run?, status?)))
            .collect(),
    }))
}

/// Writes the run, and its key, if the thread is as the creation expects it; false if it isn't.
pub(super) async fn write(
    mut c: &Conn,
    new: &Creation,
    key: Option<&NewKeyRow>,
) -> QueryResult<bool> {
    // In one order for all: two creations that bring the same contents can't wait for each other.
    let mut contents: Vec<_> = new.contents.iter().collect();
    contents.sort_by(|a, b| a.hash.cmp(&b.hash));
    let written: i64 = Write {
        new,
        before: ThreadCounters {
            position: new.thread.position - i64::from(new.message.is_some()),
            turn: new.thread.turn - 1,
        },
        due: Due::from(new.wake),
        at: At(new.event.created_at),
        hashes: contents
            .iter()
            .map(|content| content.hash.as_str())
            .collect(),
        bodies: contents
            .iter()
            .map(|content| content.body.as_str())
            .collect(),
        key,
    }
    .get_result(&mut c)
    .await?;
    Ok(written == 1)
}

/// The statement. Its text depends on which parts there are.
struct Write<'a> {
    new: &'a Creation,
    /// The thread's counters without the run.
    before: ThreadCounters,
    due: Due,
    at: At,
    hashes: Vec<&'a str>,
    bodies: Vec<&'a str>,
    key: Option<&'a NewKeyRow>,
}

impl Query for Write<'_> {
    type SqlType = BigInt;
}

impl QueryId for Write<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Write<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        thread(self.new, &self.before, out.reborrow())?;
        if let Some(key) = self.key {
            idempotency_key(key, out.reborrow())?;
        }
        if let Some(row) = &self.new.message {
            message(row, out.reborrow())?;
        }
        if !self.hashes.is_empty() {
            fragment!(out;
                ", brought AS (INSERT INTO contents (org_id, hash, body)
                SELECT t.org_id, c.hash, c.body FROM thread t, unnest("
                [Array<Text>: &self.hashes, Array<Text>: &self.bodies]
                ") AS c(hash, body) ON CONFLICT DO NOTHING)"
            );
        }
        run_rows(self.new, (&self.due, &self.at), out.reborrow())?;
        out.push_sql(" SELECT count(*) FROM thread");
        Ok(())
    }
}

fn thread<'b>(
    new: &'b Creation,
    before: &'b ThreadCounters,
    mut out: AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    fragment!(out;
        "WITH thread AS (UPDATE threads SET last_position = " [BigInt: &new.thread.position]
        ", last_turn = " [BigInt: &new.thread.turn]
        " WHERE org_id = " [Uid: &new.head.org_id]
        " AND thread_id = " [Uid: &new.head.thread_id]
        " AND deleted_at IS NULL AND last_position = " [BigInt: &before.position]
        " AND last_turn = " [BigInt: &before.turn]
        " RETURNING org_id, thread_id)"
    );
    Ok(())
}

fn idempotency_key<'b>(key: &'b NewKeyRow, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    fragment!(out;
        ", taken AS (INSERT INTO idempotency_keys
        (org_id, principal, operation, key, body_hash, status, answer, created_at)
        SELECT org_id, "
        [Text: &key.principal, Text: &key.operation, Text: &key.key, Binary: &key.body_hash,
            Integer: &key.status, Text: &key.answer]
        ", now() FROM thread)"
    );
    Ok(())
}

/// A person's message; it has no columns that only other roles have.
fn message<'b>(row: &'b MessageRow, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    fragment!(out;
        ", said AS (INSERT INTO messages (org_id, thread_id, position, message_id, run_id, role,
        content, created_by, created_at) SELECT org_id, thread_id, "
        [BigInt: &row.position, Uid: &row.message_id, Nullable<Uid>: &row.run_id,
            Text: &row.role, Text: &row.content, Nullable<Uid>: &row.created_by,
            Moment: &row.created_at]
        " FROM thread)"
    );
    Ok(())
}

fn run_rows<'b>(
    Creation {
        head, wide, event, ..
    }: &'b Creation,
    (due, at): (&'b Due, &'b At),
    mut out: AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    fragment!(out;
        ", head AS (INSERT INTO run_heads (org_id, thread_id, run_id, turn, status, epoch,
        owner_node, attempts, last_seq, parent_run_id, wake_at) SELECT org_id, thread_id, "
        [Uid: &head.run_id, BigInt: &head.turn, Text: head.status, BigInt: &head.epoch,
            Nullable<Uid>: &head.owner_node, BigInt: &head.attempts, BigInt: &head.last_seq,
            Nullable<Uid>: &head.parent_run_id]
        ", "
    );
    due.walk_ast(out.reborrow())?;
    fragment!(out;
        " FROM thread), wide AS (INSERT INTO runs (org_id, thread_id, run_id, created_by,
        trace_id, persona_id, route_id, model, metadata, api_key_id, created_at,
        parent_run_id, root_thread_id) SELECT org_id, thread_id, "
        [Uid: &wide.run_id, Uid: &wide.created_by, Text: &wide.trace_id, Text: &wide.persona_id,
            Text: &wide.route_id, Text: &wide.model, Nullable<Text>: &wide.metadata,
            Nullable<Uid>: &wide.api_key_id, Moment: &wide.created_at,
            Nullable<Uid>: &wide.parent_run_id, Nullable<Uid>: &wide.root_thread_id]
        " FROM thread), log AS (INSERT INTO events
        (org_id, run_id, seq, type, data, private, created_at) SELECT org_id, "
        [Uid: &head.run_id, BigInt: &head.last_seq, Text: &event.event_type, Text: &event.data,
            Nullable<Text>: &event.private, Moment: at]
        " FROM thread)"
    );
    Ok(())
}
