//! Questions about the runs of a batch.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text};
use runloom_domain::RunStatus;
use runloom_store::{Appended, Change};

use super::super::{Conn, RunQueryDsl};
use super::columns::Asked;
use crate::fragment::fragment;
use crate::rows::signed;
use crate::types::{Id, Uid};

/// Which changes of a batch have been written, by the mark that they leave.
pub(super) struct Written<'a> {
    pub(super) batch: Id,
    pub(super) asked: &'a Asked,
}

impl Query for Written<'_> {
    type SqlType = (BigInt, BigInt);
}

impl QueryId for Written<'_> {
    type QueryId = Written<'static>;
}

impl QueryFragment<Pg> for Written<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        fragment!(out;
            "SELECT a.place, h.batch_base FROM unnest("
            [Array<Uid>: &self.asked.org, Array<Uid>: &self.asked.run,
                Array<BigInt>: &self.asked.place]
            ") AS a(org_id, run_id, place)
            JOIN run_heads h ON h.org_id = a.org_id AND h.run_id = a.run_id
            WHERE h.batch_id = " [Uid: &self.batch]
        );
        Ok(())
    }
}

/// How the runs of changes stand that were not written.
struct Heads {
    place: Vec<i64>,
    org: Vec<Id>,
    run: Vec<Id>,
}

impl Query for Heads {
    type SqlType = (BigInt, BigInt, Bool, Text);
}

impl QueryId for Heads {
    type QueryId = Self;
}

impl QueryFragment<Pg> for Heads {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        fragment!(out;
            "SELECT a.place, h.epoch, h.owner_node IS NOT NULL, h.status FROM unnest("
            [Array<Uid>: &self.org, Array<Uid>: &self.run, Array<BigInt>: &self.place]
            ") AS a(org_id, run_id, place)
            JOIN run_heads h ON h.org_id = a.org_id AND h.run_id = a.run_id"
        );
        Ok(())
    }
}

/// Why changes were not written. A run that now looks writable was locked.
pub(super) async fn why_not(
    c: &mut Conn,
    batch: &[Change],
    places: &[usize],
) -> QueryResult<Vec<(usize, Appended)>> {
    let missing: Vec<(usize, &Change)> = places
        .iter()
        .filter_map(|place| Some((*place, batch.get(*place)?)))
        .collect();
    let heads = Heads {
        place: missing.iter().map(|(place, _)| *place as i64).collect(),
        org: missing
            .iter()
            .map(|(_, change)| change.org_id.into())
            .collect(),
        run: missing
            .iter()
            .map(|(_, change)| change.run_id.into())
            .collect(),
    };
    let found: Vec<(i64, i64, bool, String)> = heads.load(c).await?;
    let reason = |place: usize, change: &Change| {
        let head = found.iter().find(|head| head.0 == place as i64);
        head.map_or(Appended::Stale, |(_, epoch, owned, status)| {
            of_head(change, *epoch, *owned, status)
        })
    };
    Ok(missing
        .into_iter()
        .map(|(place, change)| (place, reason(place, change)))
        .collect())
}

fn of_head(change: &Change, epoch: i64, owned: bool, status: &str) -> Appended {
    let ended = status.parse().is_ok_and(RunStatus::is_terminal);
    if epoch != signed(change.epoch) || !owned || ended {
        return Appended::Stale;
    }
    match change.expect_status {
        Some(expected) if expected.as_str() != status => Appended::Moved,
        _ => Appended::Locked,
    }
}
