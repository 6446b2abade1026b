//! What an organisation has used.
//!
//! Two statements, since a run may have calls of several models: one counts runs and credits, the
//! other calls, tokens and cost. Both walk the organisation's runs of the time by their index.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use runloom_domain::{NanoUsd, OrgId, TokenBuckets};
use runloom_store::{StoreError, UsageGroup, UsageQuery, UsageRow};

use super::{Conn, RunQueryDsl, dialect};
use crate::failure::{Failure, corrupt};
use crate::rows::unsigned;
use crate::types::{At, Id, Moment, Uid};

/// Runs and credits of a group.
#[derive(QueryableByName)]
struct OfRuns {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
}

/// Calls of a group.
#[derive(QueryableByName)]
struct OfCalls {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    calls: i64,
    #[diesel(sql_type = BigInt)]
    uncached_input: i64,
    #[diesel(sql_type = BigInt)]
    cache_read: i64,
    #[diesel(sql_type = BigInt)]
    cache_write: i64,
    #[diesel(sql_type = BigInt)]
    output: i64,
    #[diesel(sql_type = BigInt)]
    cost: i64,
}

/// The runs of the time. `$1` to `$3` stand in this order, by which SQLite counts them.
const OF_TIME: &str = "WHERE r.org_id = $1 AND r.created_at >= $2 AND r.created_at < $3 GROUP BY 1";

/// The group of a run `r` and of its call `m`.
const fn names(group_by: UsageGroup) -> (&'static str, &'static str) {
    let (run, call) = match group_by {
        UsageGroup::Day => (dialect::DAY_OF_RUN, None),
        UsageGroup::Model => ("r.model", Some("m.model")),
        UsageGroup::Persona => ("r.persona_id", None),
        UsageGroup::User => (dialect::CREATOR_OF_RUN, None),
    };
    match call {
        Some(call) => (run, call),
        None => (run, run),
    }
}

pub(crate) async fn by_group(
    c: &mut Conn,
    org: OrgId,
    query: UsageQuery,
) -> Result<Vec<UsageRow>, Failure> {
    let (of_run, of_call) = names(query.group_by);
    let mut groups = Groups::default();
    for OfRuns {
        name,
        runs,
        credits,
    } in runs(c, org, query, of_run).await?
    {
        let row = groups.of(query.group_by, &name)?;
        row.runs = unsigned("runs", "count", &name, runs)?;
        row.credits = credits;
    }
    for calls in calls(c, org, query, of_call).await? {
        let row = groups.of(query.group_by, &calls.name)?;
        add(row, &calls)?;
    }
    Ok(groups.0.into_values().collect())
}

async fn runs(
    c: &mut Conn,
    org: OrgId,
    query: UsageQuery,
    name: &str,
) -> Result<Vec<OfRuns>, Failure> {
    let text = format!(
        "SELECT {name} AS name, count(*) AS runs,
            CAST(coalesce(sum(e.credits), 0) AS bigint) AS credits
        FROM runs r LEFT JOIN credit_entries e ON e.org_id = r.org_id AND e.run_id = r.run_id
        {OF_TIME}"
    );
    let rows = diesel::sql_query(text)
        .bind::<Uid, _>(Id::from(org))
        .bind::<Moment, _>(At(query.from))
        .bind::<Moment, _>(At(query.to));
    Ok(rows.load(c).await?)
}

async fn calls(
    c: &mut Conn,
    org: OrgId,
    query: UsageQuery,
    name: &str,
) -> Result<Vec<OfCalls>, Failure> {
    let text = format!(
        "SELECT {name} AS name, count(*) AS calls,
            CAST(sum(m.uncached_input_tokens) AS bigint) AS uncached_input,
            CAST(sum(m.cache_read_tokens) AS bigint) AS cache_read,
            CAST(sum(m.cache_write_tokens) AS bigint) AS cache_write,
            CAST(sum(m.output_tokens) AS bigint) AS output,
            CAST(sum(m.cost_nanos) AS bigint) AS cost
        FROM runs r JOIN model_calls m ON m.org_id = r.org_id AND m.run_id = r.run_id
        {OF_TIME}"
    );
    let rows = diesel::sql_query(text)
        .bind::<Uid, _>(Id::from(org))
        .bind::<Moment, _>(At(query.from))
        .bind::<Moment, _>(At(query.to));
    Ok(rows.load(c).await?)
}

/// The rows so far, by the names of their groups.
#[derive(Default)]
struct Groups(BTreeMap<String, UsageRow>);

impl Groups {
    fn of(&mut self, group_by: UsageGroup, name: &str) -> Result<&mut UsageRow, StoreError> {
        let key = match group_by {
            // SQLite has its bytes in hexadecimal digits.
            UsageGroup::User => uuid::Uuid::parse_str(name)
                .map_err(|error| corrupt("runs", "created_by", name, error))?
                .to_string(),
            _ => name.to_owned(),
        };
        Ok(self.0.entry(key.clone()).or_insert_with(|| UsageRow {
            key,
            tokens: TokenBuckets::default(),
            cost: NanoUsd::ZERO,
            credits: 0,
            runs: 0,
            calls: 0,
        }))
    }
}

fn add(row: &mut UsageRow, calls: &OfCalls) -> Result<(), StoreError> {
    let sum = |column, value| unsigned("model_calls", column, &calls.name, value);
    row.calls = sum("count", calls.calls)?;
    row.cost = NanoUsd::from_nanos(calls.cost);
    row.tokens = TokenBuckets {
        uncached_input_tokens: sum("uncached_input_tokens", calls.uncached_input)?,
        cache_read_tokens: sum("cache_read_tokens", calls.cache_read)?,
        cache_write_tokens: sum("cache_write_tokens", calls.cache_write)?,
        output_tokens: sum("output_tokens", calls.output)?,
    };
    Ok(())
}
