//! Idempotency keys.

use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use runloom_domain::OrgId;
use runloom_store::{Idempotency, KeyConflict, Once, StoreError, StoredAnswer};

use super::{Conn, RunQueryDsl, dialect};
use crate::failure::{Failure, corrupt};
use crate::rows::account::{NewKeyRow, hash};
use crate::schema::idempotency_keys;
use crate::types::Id;

/// Takes the key for this transaction. `Some` is the call's answer: it must not happen.
///
/// The row is inserted first, not looked for: of two transactions with one key the later waits
/// here until the earlier has ended.
pub(crate) async fn take<T>(
    c: &mut Conn,
    now: dialect::Now,
    org: OrgId,
    once: Option<&Idempotency>,
) -> Result<Option<Once<T>>, Failure> {
    let Some(once) = once else { return Ok(None) };
    match insert(c, now, NewKeyRow::new(org.into(), once)).await {
        Ok(true) => Ok(None),
        Ok(false) => taken(c, org.into(), once).await.map(Some),
        Err(error) if dialect::gave_up_waiting(&error) => {
            Ok(Some(Once::Conflict(KeyConflict::InProgress)))
        }
        Err(error) => Err(error.into()),
    }
}

/// False when the key is there and not yet forgotten.
async fn insert(c: &mut Conn, now: dialect::Now, row: NewKeyRow) -> QueryResult<bool> {
    use idempotency_keys as k;
    let upsert = diesel::insert_into(k::table)
        .values((row.clone(), k::created_at.eq(now.moment())))
        .on_conflict((k::org_id, k::principal, k::operation, k::key))
        .do_update()
        .set((row, k::created_at.eq(now.moment())));
    // Called by its path: the method of this name is another trait's.
    let rows = FilterDsl::filter(upsert, k::created_at.lt(now.a_day_ago()))
        .execute(c)
        .await?;
    Ok(rows == 1)
}

async fn taken<T>(c: &mut Conn, org: Id, once: &Idempotency) -> Result<Once<T>, Failure> {
    use idempotency_keys as k;
    let row = k::table
        .find((org, &once.principal, &once.operation, &once.key))
        .select((k::body_hash, k::status, k::answer))
        .first(c)
        .await?;
    Ok(match answer(org, once, row)? {
        Ok(answer) => Once::Replayed(answer),
        Err(conflict) => Once::Conflict(conflict),
    })
}

/// What the key says, outside of any creation.
pub(crate) async fn kept(
    c: &mut Conn,
    now: dialect::Now,
    org: OrgId,
    once: &Idempotency,
) -> Result<Option<Result<StoredAnswer, KeyConflict>>, Failure> {
    use idempotency_keys as k;
    let found = k::table.find((Id::from(org), &once.principal, &once.operation, &once.key));
    let row = FilterDsl::filter(found, k::created_at.ge(now.a_day_ago()))
        .select((k::body_hash, k::status, k::answer))
        .first(c)
        .await
        .optional()?;
    Ok(row.map(|row| answer(org.into(), once, row)).transpose()?)
}

/// A key's row: the hash of its body, and the status and body of the answer.
type Row = (Vec<u8>, i32, String);

fn answer(
    org: Id,
    once: &Idempotency,
    (body_hash, status, body): Row,
) -> Result<Result<StoredAnswer, KeyConflict>, StoreError> {
    if hash("idempotency_keys", "body_hash", org, &body_hash)? != once.body_hash {
        return Ok(Err(KeyConflict::Reused));
    }
    Ok(Ok(StoredAnswer {
        status: status_code(org, status)?,
        body,
    }))
}

fn status_code(org: Id, status: i32) -> Result<u16, StoreError> {
    u16::try_from(status).map_err(|error| corrupt("idempotency_keys", "status", org, error))
}
