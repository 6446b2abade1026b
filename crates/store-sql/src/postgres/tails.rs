//! The ends of many logs in one read, by a statement that stays prepared.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use runloom_domain::StoredEvent;
use runloom_store::Tail;

use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::fragment::fragment;
use crate::rows::event::EventRow;
use crate::rows::signed;
use crate::types::{Id, Moment, Uid};

struct Tails {
    org: Vec<Id>,
    run: Vec<Id>,
    after: Vec<i64>,
    place: Vec<i64>,
    limit: i64,
}

impl Query for Tails {
    type SqlType = (BigInt, (BigInt, Text, Text, Nullable<Text>, Moment));
}

impl QueryId for Tails {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for Tails {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        fragment!(out;
            "SELECT t.place, e.seq, e.type, e.data, e.private, e.created_at FROM unnest("
            [Array<Uid>: &self.org, Array<Uid>: &self.run, Array<BigInt>: &self.after,
                Array<BigInt>: &self.place]
            ") AS t (org_id, run_id, after, place)
            CROSS JOIN LATERAL (
                SELECT seq, type, data, private, created_at FROM events
                WHERE org_id = t.org_id AND run_id = t.run_id AND seq > t.after
                ORDER BY seq LIMIT " [BigInt: &self.limit]
            ") e ORDER BY t.place, e.seq"
        );
        Ok(())
    }
}

/// Up to `limit` events after each position.
pub(super) async fn read(
    c: &mut Conn,
    of: Vec<Tail>,
    limit: u32,
) -> Result<Vec<Vec<StoredEvent>>, Failure> {
    let wanted = Tails {
        org: of.iter().map(|tail| tail.org_id.into()).collect(),
        run: of.iter().map(|tail| tail.run_id.into()).collect(),
        after: of.iter().map(|tail| signed(tail.after)).collect(),
        place: (0..of.len() as i64).collect(),
        limit: i64::from(limit),
    };
    let rows: Vec<(i64, EventRow)> = wanted.load(c).await?;
    let mut tails: Vec<Vec<StoredEvent>> = vec![Vec::new(); of.len()];
    for (place, row) in rows {
        // The statement gives back the places that it was given.
        let place = place as usize;
        tails[place].push(row.into_event(of[place].run_id)?);
    }
    Ok(tails)
}
