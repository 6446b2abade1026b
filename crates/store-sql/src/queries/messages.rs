//! Messages: those of people, and the lists that people and providers see.

use diesel::dsl::not;
use diesel::prelude::*;
use runloom_domain::{Message, MessageId, OrgId, RunId, ThreadId};
use runloom_store::{
    HistoryPart, Idempotency, Once, Page, PageKey, Paged, StoreError, UserMessage,
};

use super::{Conn, RunQueryDsl, dialect, keys, threads};
use crate::failure::{Failure, Verdict};
use crate::predicate::IsOpen;
use crate::rows::message::MessageRow;
use crate::rows::{signed, unsigned};
use crate::schema::{messages, run_heads, threads as thread_rows};
use crate::text::storable;
use crate::types::Id;

pub(crate) async fn post(
    c: &mut Conn,
    now: dialect::Now,
    new: UserMessage,
    once: Option<Idempotency>,
) -> Result<Verdict<Once<Option<Message>>>, Failure> {
    if let Some(answer) = keys::take(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable([new.content.as_str()])?;
    let Some(position) = next_position(c, new.org_id, new.thread_id).await? else {
        return Ok(Verdict::Undo(Once::Done(None)));
    };
    let row = MessageRow::of_person(
        (new.org_id, new.thread_id, None),
        position,
        new.message_id,
        new.content,
        new.created_by,
        new.created_at,
    );
    diesel::insert_into(messages::table)
        .values(&row)
        .execute(c)
        .await?;
    Ok(Verdict::Keep(Once::Done(Some(row.into_message()?))))
}

/// Takes the thread's next position under its row's lock; `None` when there is no such thread.
async fn next_position(c: &mut Conn, org: OrgId, thread: ThreadId) -> Result<Option<u64>, Failure> {
    use thread_rows::last_position;
    let last: Option<i64> = diesel::update(
        thread_rows::table
            .find((Id::from(org), Id::from(thread)))
            .filter(thread_rows::deleted_at.is_null()),
    )
    .set(last_position.eq(last_position + 1))
    .returning(last_position)
    .get_result(c)
    .await
    .optional()?;
    Ok(last
        .map(|last| unsigned("threads", "last_position", thread, last))
        .transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
    page: Page,
    include_tools: bool,
) -> Result<Option<Paged<Message>>, Failure> {
    if !threads::exists(c, org, thread).await? {
        return Ok(None);
    }
    let mut query = messages::table
        .filter(messages::org_id.eq(Id::from(org)))
        .filter(messages::thread_id.eq(Id::from(thread)))
        .filter(messages::hidden_at.is_null())
        .select(MessageRow::as_select())
        .into_boxed();
    if !include_tools {
        query = query.filter(
            messages::role
                .eq("user")
                .or(messages::role.eq("assistant").and(messages::content.ne(""))),
        );
    }
    if let Some(key) = page.before {
        let below = position(c, org, thread, MessageId::from_uuid(key.id)).await?;
        query = query.filter(messages::position.lt(below));
    }
    let rows: Vec<MessageRow> = query
        .order(messages::position.desc())
        .limit(i64::from(page.limit) + 1)
        .load(c)
        .await?;
    let found = domain(rows)?;
    Ok(Some(Paged::from_surplus(found, page.limit, |m| PageKey {
        created_at: m.created_at,
        id: m.id.as_uuid(),
    })))
}

/// Where a message stands, hidden or not; before everything when it isn't in the thread.
async fn position(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
    message: MessageId,
) -> QueryResult<i64> {
    let found = messages::table
        .filter(messages::org_id.eq(Id::from(org)))
        .filter(messages::message_id.eq(Id::from(message)))
        .filter(messages::thread_id.eq(Id::from(thread)))
        .select(messages::position)
        .first(c)
        .await
        .optional()?;
    Ok(found.unwrap_or(0))
}

pub(crate) async fn history(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
    run: RunId,
    part: HistoryPart,
) -> Result<Vec<Message>, Failure> {
    // A thread's runs are worked on one after the other: what is open beside the one at work is
    // still to come.
    let to_come = run_heads::table
        .filter(run_heads::org_id.eq(Id::from(org)))
        .filter(run_heads::thread_id.eq(Id::from(thread)))
        .filter(IsOpen)
        .filter(run_heads::run_id.ne(Id::from(run)))
        .select(run_heads::run_id.nullable());
    let mut rows: Vec<MessageRow> = messages::table
        .filter(messages::org_id.eq(Id::from(org)))
        .filter(messages::thread_id.eq(Id::from(thread)))
        .filter(messages::hidden_at.is_null())
        .filter(
            messages::position
                .le(signed(part.until))
                .or(messages::run_id.eq(Id::from(run))),
        )
        .filter(messages::position.lt(signed(part.before)))
        .filter(
            messages::run_id
                .is_null()
                .or(not(messages::run_id.eq_any(to_come))),
        )
        .select(MessageRow::as_select())
        .order(messages::position.desc())
        .limit(i64::from(part.limit))
        .load(c)
        .await?;
    rows.reverse();
    Ok(domain(rows)?)
}

fn domain(rows: Vec<MessageRow>) -> Result<Vec<Message>, StoreError> {
    rows.into_iter().map(MessageRow::into_message).collect()
}
