//! Writing a new run, row after row: here a statement is not a journey.

use diesel::prelude::*;
use runloom_store::Content;

use super::Conn;
use super::dialect::Now;
use super::queries::create::Creation;
use super::queries::project;
use super::verbs::RunQueryDsl;
use crate::schema::{contents, messages, run_heads, runs, threads};

pub(super) async fn write(c: &mut Conn, now: Now, new: Creation) -> QueryResult<()> {
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
