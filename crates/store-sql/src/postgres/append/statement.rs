//! The append batch as one statement.
//!
//! `held` locks the runs in the order in which they come, that of their keys, and skips those that somebody else holds:
//! with a wait instead, one held run would hold up all others. `moved` takes the next seqs under
//! the lock; what follows joins it, so it is written for those runs only. What isn't among the
//! result was stale, moved or locked.
//!
//! No table is joined in a way that leaves the planner a choice. It plans this statement once,
//! for tables as it last saw them: on a new server empty. So rows to be updated are found by key
//! in a subquery and then named by their place in the table (`ctid`), or by the index that
//! `ON CONFLICT` names.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

use super::columns::{Calls, Columns, Messages, Outputs, Wide};
use crate::fragment::fragment;
use crate::types::{Id, Moment, Uid};

/// The statement for a batch of which some changes write more than events.
pub(super) struct Full<'a> {
    pub(super) batch: Id,
    pub(super) columns: &'a Columns<'a>,
}

/// The statement for a batch of events alone, which most are.
pub(super) struct Plain<'a> {
    pub(super) batch: Id,
    pub(super) columns: &'a Columns<'a>,
}

macro_rules! statements {
    ($($name:ident),+) => {$(
        /// Place and base of each change that was written.
        impl Query for $name<'_> {
            type SqlType = (BigInt, BigInt);
        }

        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
        }
    )+};
}

statements!(Full, Plain);

type Texts = Array<Text>;
type MaybeTexts = Array<Nullable<Text>>;
type Numbers = Array<BigInt>;
type MaybeNumbers = Array<Nullable<BigInt>>;

impl QueryFragment<Pg> for Plain<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let asked = &self.columns.asked;
        fragment!(out;
            "WITH held AS MATERIALIZED (
            SELECT h.at, a.place, a.events FROM unnest("
            [Array<Uid>: &asked.org, Array<Uid>: &asked.run, Numbers: &asked.place,
                Numbers: &asked.epoch, MaybeTexts: &asked.expected, Numbers: &asked.events]
            ") AS a(of_org, of_run, place, epoch, expected, events)"
        );
        out.push_sql(HOLD);
        fragment!(out;
            ", moved AS (
            UPDATE run_heads h
            SET last_seq = h.last_seq + k.events, batch_base = h.last_seq, batch_id = "
            [Uid: &self.batch]
            " FROM held k WHERE h.ctid = k.at
            RETURNING k.place, h.org_id, h.run_id, h.batch_base AS base)"
        );
        written(self.columns, out.reborrow())?;
        out.push_sql(RESULT);
        Ok(())
    }
}

impl QueryFragment<Pg> for Full<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let asked = &self.columns.asked;
        fragment!(out;
            "WITH held AS MATERIALIZED (
            SELECT h.at, a.place, a.events, a.status, a.lets_go, a.wake_micros, a.progress
            FROM unnest("
            [Array<Uid>: &asked.org, Array<Uid>: &asked.run, Numbers: &asked.place,
                Numbers: &asked.epoch, MaybeTexts: &asked.expected, Numbers: &asked.events,
                MaybeTexts: &asked.status, Array<Bool>: &asked.lets_go,
                MaybeNumbers: &asked.wake_micros, Array<Bool>: &asked.progress]
            ") AS a(of_org, of_run, place, epoch, expected, events, status, lets_go,
                wake_micros, progress)"
        );
        out.push_sql(HOLD);
        fragment!(out;
            ", moved AS (
            UPDATE run_heads h
            SET last_seq = h.last_seq + k.events,
                status = coalesce(k.status, h.status),
                owner_node = CASE WHEN k.lets_go THEN NULL ELSE h.owner_node END,
                wake_at = now() + interval '1 microsecond' * k.wake_micros,
                attempts = CASE WHEN k.progress THEN 0 ELSE h.attempts END,
                lost = CASE WHEN k.lets_go THEN NULL ELSE h.lost END,
                batch_base = h.last_seq, batch_id = " [Uid: &self.batch]
            " FROM held k WHERE h.ctid = k.at
            RETURNING k.place, h.org_id, h.run_id, h.thread_id, h.batch_base AS base)"
        );
        written(self.columns, out.reborrow())?;
        messages(&self.columns.messages, out.reborrow())?;
        calls(&self.columns.calls, out.reborrow())?;
        outputs(&self.columns.outputs, out.reborrow())?;
        wide(&self.columns.wide, out.reborrow())?;
        out.push_sql(RESULT);
        Ok(())
    }
}

/// The rest of `held`. The fence stands in a CASE, into which the planner doesn't look: else it
/// may take one of the partial indexes that the conditions imply for the way to the row, and read
/// all of that index for each change.
const HOLD: &str = "
    CROSS JOIN LATERAL (
        SELECT h.ctid AS at FROM run_heads h
        WHERE h.org_id = a.of_org AND h.run_id = a.of_run
          AND CASE WHEN h.epoch = a.epoch THEN h.owner_node IS NOT NULL
            AND h.status NOT IN ('completed', 'failed', 'cancelled')
            AND (a.expected IS NULL OR h.status = a.expected) ELSE false END
        FOR NO KEY UPDATE SKIP LOCKED) h)";

/// Joins what changes bring, as `e`, to the changes that were written. It is an inner join in
/// the clothes of a full one, which can't be a nested loop: the settings of this connection
/// make all other joins nested loops, and this one would take the square of the batch.
const OF_MOVED: &str = "
    FULL JOIN moved m ON m.place = e.place
    WHERE coalesce(m.place, -1) = coalesce(e.place, -2)";

const RESULT: &str = " SELECT place, base FROM moved";

fn written<'b>(columns: &'b Columns<'_>, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    let events = &columns.events;
    fragment!(out;
        ", written AS (
        INSERT INTO events (org_id, run_id, seq, type, data, private, created_at)
        SELECT m.org_id, m.run_id, m.base + e.nth, e.type, e.data, e.private, e.created_at
        FROM unnest("
        [Numbers: &events.place, Numbers: &events.nth, Texts: &events.event_type,
            Texts: &events.data, MaybeTexts: &events.private, Array<Moment>: &events.created_at]
        ") AS e(place, nth, type, data, private, created_at)"
    );
    out.push_sql(OF_MOVED);
    out.push_sql(")");
    Ok(())
}

/// Messages take their positions under their thread's row lock. The thread is there, so the
/// insert always becomes an update; other than an `UPDATE` with a join, it waits for whoever
/// holds the row and then counts from the row's newest state.
fn messages<'b>(messages: &'b Messages<'_>, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    fragment!(out;
        ", said AS MATERIALIZED (
        SELECT m.org_id, m.thread_id, m.run_id, e.*,
            row_number() OVER (PARTITION BY m.org_id, m.thread_id ORDER BY e.place, e.nth)
                - count(*) OVER (PARTITION BY m.org_id, m.thread_id) AS before_last
        FROM unnest("
        [Numbers: &messages.place, Numbers: &messages.nth, Array<Uid>: &messages.id,
            Texts: &messages.role, Texts: &messages.content, MaybeTexts: &messages.tool_calls,
            MaybeTexts: &messages.provider, Array<Nullable<Uid>>: &messages.tool_call,
            MaybeTexts: &messages.tool_name, Array<Moment>: &messages.created_at]
        ") AS e(place, nth, message_id, role, content, tool_calls, provider, tool_call_id,
            tool_name, created_at)"
    );
    out.push_sql(OF_MOVED);
    out.push_sql(
        "), lifted AS (
        INSERT INTO threads AS t (org_id, thread_id, created_by, created_at, last_position)
        SELECT org_id, thread_id, org_id, now(), count(*) FROM said GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (org_id, thread_id)
        DO UPDATE SET last_position = t.last_position + excluded.last_position
        RETURNING t.org_id, t.thread_id, t.last_position AS last
        ), told AS (
        INSERT INTO messages (org_id, thread_id, position, message_id, run_id, role, content,
            tool_calls, provider, tool_call_id, tool_name, created_at)
        SELECT s.org_id, s.thread_id, l.last + s.before_last, s.message_id, s.run_id, s.role,
            s.content, s.tool_calls, s.provider, s.tool_call_id, s.tool_name, s.created_at
        FROM said s FULL JOIN lifted l ON l.org_id = s.org_id AND l.thread_id = s.thread_id
        WHERE coalesce(l.thread_id = s.thread_id, false))",
    );
    Ok(())
}

fn calls<'b>(calls: &'b Calls<'_>, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    fragment!(out;
        ", charged AS (
        INSERT INTO model_calls (org_id, run_id, step, attempt, route_id, model,
            uncached_input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
            source, cost_nanos, multiplier_thousandths, created_at)
        SELECT m.org_id, m.run_id, e.step, e.attempt, e.route_id, e.model, e.uncached_input,
            e.cache_read, e.cache_write, e.output, e.source, e.cost, e.multiplier, e.created_at
        FROM unnest("
        [Numbers: &calls.place, Numbers: &calls.step, Numbers: &calls.attempt,
            Texts: &calls.route, Texts: &calls.model, Numbers: &calls.uncached_input,
            Numbers: &calls.cache_read, Numbers: &calls.cache_write, Numbers: &calls.output,
            Texts: &calls.source, Numbers: &calls.cost, Numbers: &calls.multiplier,
            Array<Moment>: &calls.created_at]
        ") AS e(place, step, attempt, route_id, model, uncached_input, cache_read, cache_write,
            output, source, cost, multiplier, created_at)"
    );
    out.push_sql(OF_MOVED);
    out.push_sql(")");
    Ok(())
}

fn outputs<'b>(outputs: &'b Outputs<'_>, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    fragment!(out;
        ", kept AS (
        INSERT INTO tool_outputs (org_id, run_id, tool_call_id, content)
        SELECT m.org_id, m.run_id, e.tool_call_id, e.content
        FROM unnest("
        [Numbers: &outputs.place, Array<Uid>: &outputs.call, Texts: &outputs.content]
        ") AS e(place, tool_call_id, content)"
    );
    out.push_sql(OF_MOVED);
    out.push_sql(")");
    Ok(())
}

/// Whoever writes to a run's wide row holds its narrow row, so the place found here is the row's
/// newest: a run whose narrow row has changed since the statement began is not among `moved`.
fn wide<'b>(wide: &'b Wide<'_>, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    fragment!(out;
        ", summed AS MATERIALIZED (
        SELECT m.org_id, m.run_id, e.*
        FROM unnest("
        [Numbers: &wide.place, MaybeNumbers: &wide.uncached_input,
            MaybeNumbers: &wide.cache_read, MaybeNumbers: &wide.cache_write,
            MaybeNumbers: &wide.output, MaybeNumbers: &wide.cost,
            Array<Nullable<Moment>>: &wide.ended_at, MaybeTexts: &wide.error_class,
            MaybeTexts: &wide.error_message, MaybeNumbers: &wide.credits]
        ") AS e(place, uncached_input, cache_read, cache_write, output, cost, ended_at,
            error_class, error_message, credits)"
    );
    out.push_sql(OF_MOVED);
    out.push_sql(
        "), found AS MATERIALIZED (
        SELECT s.*, r.at FROM summed s CROSS JOIN LATERAL (
            SELECT r.ctid AS at FROM runs r
            WHERE r.org_id = s.org_id AND r.run_id = s.run_id FOR NO KEY UPDATE) r
        ), shown AS (
        UPDATE runs r SET
            uncached_input_tokens = coalesce(w.uncached_input, r.uncached_input_tokens),
            cache_read_tokens = coalesce(w.cache_read, r.cache_read_tokens),
            cache_write_tokens = coalesce(w.cache_write, r.cache_write_tokens),
            output_tokens = coalesce(w.output, r.output_tokens),
            cost_nanos = coalesce(w.cost, r.cost_nanos),
            ended_at = coalesce(w.ended_at, r.ended_at),
            error_class = coalesce(w.error_class, r.error_class),
            error_message = coalesce(w.error_message, r.error_message)
        FROM found w WHERE r.ctid = w.at
        RETURNING r.org_id, r.run_id, r.cost_nanos, w.credits, w.ended_at,
            least(r.uncached_input_tokens::numeric + r.cache_read_tokens + r.cache_write_tokens
                + r.output_tokens, 9e18)::bigint AS tokens
        ), credited AS (
        INSERT INTO credit_entries (org_id, run_id, credits, created_at)
        SELECT org_id, run_id, credits, ended_at FROM summed WHERE credits IS NOT NULL)",
    );
    out.push_sql(SETTLED);
    Ok(())
}

/// What runs that have ended held is given back, and what they took is counted. They are found
/// by their holds, of which others have none: `OFFSET` keeps the planner from joining another
/// way. Rows are always there, so inserts become updates, of their newest state.
///
/// Locks are taken in one order here and elsewhere: threads, holds, balances, budgets, each by
/// key. A count of what must come before says so. Sums are bounded, since an end that the
/// database refuses would be tried for ever.
const SETTLED: &str = "
    , settled AS MATERIALIZED (
    SELECT * FROM shown WHERE credits IS NOT NULL AND (SELECT count(*) FROM lifted) >= 0
    ), paid AS (
    INSERT INTO credit_holds AS h (org_id, run_id, charged, ended_at)
    SELECT s.org_id, s.run_id, s.credits, s.ended_at FROM settled s CROSS JOIN LATERAL (
        SELECT FROM credit_holds h WHERE h.org_id = s.org_id AND h.run_id = s.run_id OFFSET 0) h
    ORDER BY 1, 2
    ON CONFLICT (org_id, run_id)
    DO UPDATE SET charged = excluded.charged, ended_at = excluded.ended_at
    RETURNING h.org_id, h.run_id, h.credits, h.charged, h.ended_at
    ), held_of_budgets AS (
    INSERT INTO budget_holds AS h
        (org_id, run_id, budget_id, period_start, took_cost_nanos, took_tokens)
    SELECT s.org_id, s.run_id, h.budget_id, h.period_start, s.cost_nanos, s.tokens
    FROM settled s CROSS JOIN LATERAL (
        SELECT h.budget_id, h.period_start FROM budget_holds h
        WHERE h.org_id = s.org_id AND h.run_id = s.run_id OFFSET 0) h
    WHERE (SELECT count(*) FROM paid) >= 0
    ORDER BY 1, 2, 3
    ON CONFLICT (org_id, run_id, budget_id)
    DO UPDATE SET took_cost_nanos = excluded.took_cost_nanos, took_tokens = excluded.took_tokens
    RETURNING h.org_id, h.budget_id, h.period_start, h.cost_nanos, h.tokens, h.took_cost_nanos,
        h.took_tokens
    ), balanced AS (
    INSERT INTO org_balances AS b (org_id, credits, reserved)
    SELECT org_id, -least(sum(charged), 9e18)::bigint, -sum(credits)::bigint
    FROM paid WHERE (SELECT count(*) FROM held_of_budgets) >= 0 GROUP BY 1 ORDER BY 1
    ON CONFLICT (org_id) DO UPDATE SET
        credits = greatest(b.credits::numeric + excluded.credits, -9e18)::bigint,
        reserved = b.reserved + excluded.reserved
    RETURNING b.org_id
    ), entered AS (
    INSERT INTO credit_ledger (org_id, entry_id, kind, credits, run_id, created_at)
    SELECT org_id, run_id, 'run', -charged, run_id, ended_at FROM paid
    ), spent AS (
    INSERT INTO budget_spend AS b (org_id, budget_id, period_start, cost_nanos, tokens,
        reserved_cost_nanos, reserved_tokens)
    SELECT h.org_id, h.budget_id, h.period_start, least(sum(h.took_cost_nanos), 9e18)::bigint,
        least(sum(h.took_tokens), 9e18)::bigint, -sum(h.cost_nanos)::bigint,
        -sum(h.tokens)::bigint
    FROM held_of_budgets h CROSS JOIN LATERAL (
        SELECT FROM budget_spend b WHERE b.org_id = h.org_id AND b.budget_id = h.budget_id
            AND b.period_start = h.period_start OFFSET 0) b
    WHERE (SELECT count(*) FROM balanced) >= 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (org_id, budget_id, period_start) DO UPDATE SET
        cost_nanos = least(b.cost_nanos::numeric + excluded.cost_nanos, 9e18)::bigint,
        tokens = least(b.tokens::numeric + excluded.tokens, 9e18)::bigint,
        reserved_cost_nanos = b.reserved_cost_nanos + excluded.reserved_cost_nanos,
        reserved_tokens = b.reserved_tokens + excluded.reserved_tokens)";
