//! How the log stands, as the database's catalog tells it.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error::NotFound;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use uuid::Uuid;

use super::super::{Conn, RunQueryDsl};
use super::bounds::{self, Range, SKEW_MS};
use crate::failure::Failure;
use crate::types::{Id, Uid};

/// How many months there are parts for, the present one included.
const MONTHS: usize = 4;

const PARTS: &str = "
SELECT c.relname::text AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass";

const FACTS: &str = "
SELECT EXISTS (SELECT FROM events_default) AS has_rest, s.conname::text AS seal,
    s.convalidated AS is_valid
FROM (SELECT) one LEFT JOIN pg_constraint s ON s.conrelid = 'events_default'::regclass
    AND s.contype = 'c' AND starts_with(s.conname::text, 'events_default_before_')";

/// A month, by its name or the present one, and the next ones. A UUIDv7 begins with the
/// milliseconds since the Unix epoch.
const CALENDAR: &str = "
SELECT to_char(m, 'YYYY_MM') AS name,
    (lpad(to_hex((extract(epoch FROM m) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
        AS first
FROM (SELECT date_trunc('month', coalesce(to_date($2, 'YYYY_MM'), now() AT TIME ZONE 'UTC'))
        + interval '1 month' * n AS m
    FROM generate_series(0, $1) n) months ORDER BY m";

const RETENTION: &str = "
SELECT EXISTS (SELECT FROM orgs WHERE event_retention_days IS NULL) AS has_default,
    EXISTS (SELECT FROM orgs WHERE event_retention_days = 0) AS has_endless,
    (SELECT max(event_retention_days) FROM orgs) AS longest";

/// Runs are looked for by when they were created, which their ids tell too.
const NEEDED: &str = "
SELECT EXISTS (SELECT FROM orgs o CROSS JOIN LATERAL (
    SELECT FROM runs r WHERE r.org_id = o.org_id AND r.events_expired_at IS NULL
      AND r.created_at < to_timestamp($3 / 1000.0) AND r.run_id >= $1 AND r.run_id < $2
    LIMIT 1) r) AS yes";

pub(super) struct State {
    pub(super) now_ms: i64,
    /// See [`parts`].
    pub(super) parts: Vec<Part>,
    /// Whether there are other rows.
    pub(super) has_rest: bool,
    pub(super) seal: Option<Seal>,
    /// This one and the next ones.
    months: [Month; MONTHS + 1],
}

pub(super) struct Part {
    pub(super) name: String,
    pub(super) range: Range,
}

/// A month and the first id that is in it.
pub(super) struct Month {
    pub(super) name: String,
    pub(super) from: Uuid,
}

/// The constraint that all other rows are before a month.
pub(super) struct Seal {
    pub(super) month: String,
    pub(super) is_valid: bool,
}

#[derive(QueryableByName)]
struct Bound {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    bound: String,
}

#[derive(QueryableByName)]
struct Page {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Uid)]
    first: Id,
}

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Bool)]
    has_rest: bool,
    #[diesel(sql_type = Nullable<Text>)]
    seal: Option<String>,
    #[diesel(sql_type = Nullable<Bool>)]
    is_valid: Option<bool>,
}

#[derive(QueryableByName)]
struct Retention {
    #[diesel(sql_type = Bool)]
    has_default: bool,
    #[diesel(sql_type = Bool)]
    has_endless: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    longest: Option<i32>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

impl State {
    pub(super) async fn read(c: &mut Conn) -> QueryResult<Self> {
        let parts = parts(c).await?;
        let now_ms = now_ms(c).await?;
        let facts: Facts = diesel::sql_query(FACTS).get_result(c).await?;
        let months = calendar(c, None, MONTHS).await?;
        let seal = facts
            .seal
            .as_deref()
            .and_then(|name| name.strip_prefix(Seal::NAME));
        Ok(Self {
            now_ms,
            parts,
            has_rest: facts.has_rest,
            seal: seal.map(|month| Seal {
                month: month.to_owned(),
                is_valid: facts.is_valid == Some(true),
            }),
            months: months.try_into().map_err(|_| NotFound)?,
        })
    }

    /// A month to come by its name.
    pub(super) fn month(&self, name: &str) -> Option<&Month> {
        self.months.iter().skip(1).find(|month| month.name == name)
    }

    /// The month that begins in one or two months.
    pub(super) fn after_next(&self) -> &Month {
        &self.months[2]
    }

    /// Where the last part ends.
    pub(super) fn end(&self) -> Option<Uuid> {
        self.parts.last().map(|part| part.range.to)
    }

    /// The first month that has no part.
    pub(super) fn missing(&self) -> Option<(String, Range)> {
        let has = |range: Range| self.parts.iter().any(|part| part.range.overlaps(range));
        self.wanted().find(|(_, range)| !has(*range))
    }

    /// How many parts runs to come will be in.
    pub(super) fn ahead(&self) -> u64 {
        let now = |part: &&Part| part.range.end_ms() > self.now_ms;
        self.parts.iter().filter(now).count() as u64
    }

    fn wanted(&self) -> impl Iterator<Item = (String, Range)> {
        self.months.windows(2).filter_map(part_of)
    }
}

/// The part of the first of two months.
fn part_of(months: &[Month]) -> Option<(String, Range)> {
    let [this, next] = months else { return None };
    let (from, to) = (this.from, next.from);
    Some((format!("events_{}", this.name), Range { from, to }))
}

async fn calendar(c: &mut Conn, from: Option<&str>, next: usize) -> QueryResult<Vec<Month>> {
    let pages: Vec<Page> = diesel::sql_query(CALENDAR)
        .bind::<Integer, _>(next as i32)
        .bind::<Nullable<Text>, _>(from)
        .load(c)
        .await?;
    let month = |Page { name, first }| Month {
        name,
        from: first.0,
    };
    Ok(pages.into_iter().map(month).collect())
}

/// The part of a month that is called like `2020_01`.
pub(super) async fn part_for(c: &mut Conn, month: &str) -> QueryResult<(String, Range)> {
    let months = calendar(c, Some(month), 1).await?;
    part_of(&months).ok_or(NotFound)
}

impl Seal {
    /// The beginning of its name, which ends with the month.
    pub(super) const NAME: &str = "events_default_before_";

    pub(super) fn name(&self) -> String {
        format!("{}{}", Self::NAME, self.month)
    }

    pub(super) fn check(&self) -> String {
        let name = self.name();
        format!("ALTER TABLE events_default VALIDATE CONSTRAINT {name}")
    }

    pub(super) fn lift(&self) -> String {
        let name = self.name();
        format!("ALTER TABLE events_default DROP CONSTRAINT IF EXISTS {name}")
    }
}

/// The parts in the order of time, without the one of all other rows.
pub(super) async fn parts(c: &mut Conn) -> QueryResult<Vec<Part>> {
    let bounds: Vec<Bound> = diesel::sql_query(PARTS).load(c).await?;
    let part = |Bound { name, bound }| {
        let range = bounds::parse(&bound)?;
        Some(Part { name, range })
    };
    let mut parts: Vec<Part> = bounds.into_iter().filter_map(part).collect();
    parts.sort_unstable_by_key(|part| part.range.from);
    Ok(parts)
}

/// The database's time in milliseconds since the Unix epoch.
pub(super) async fn now_ms(c: &mut Conn) -> QueryResult<i64> {
    sql::<BigInt>("SELECT (extract(epoch FROM now()) * 1000)::bigint")
        .get_result(c)
        .await
}

/// The longest of all organisations' retentions in days; `None` when one is for ever.
pub(super) async fn longest_retention(c: &mut Conn, days: u32) -> Result<Option<u32>, Failure> {
    let found: Retention = diesel::sql_query(RETENTION).get_result(c).await?;
    if found.has_endless || (found.has_default && days == 0) {
        return Ok(None);
    }
    let longest = found.longest.map_or(0, i32::unsigned_abs);
    Ok(Some(if found.has_default {
        longest.max(days)
    } else {
        longest
    }))
}

/// Whether the events of a run in the range may still be read or written.
pub(super) async fn is_needed(c: &mut Conn, range: Range) -> Result<bool, Failure> {
    let found: Answer = diesel::sql_query(NEEDED)
        .bind::<Uid, _>(Id(range.from))
        .bind::<Uid, _>(Id(range.to))
        .bind::<BigInt, _>(range.end_ms().saturating_add(SKEW_MS))
        .get_result(c)
        .await?;
    Ok(found.yes)
}
