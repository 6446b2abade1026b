//! API keys.

use std::time::Duration;

use diesel::prelude::*;
use runloom_domain::{ApiKeyId, OrgId, Timestamp, UserId};
use runloom_store::{
    ApiKeyRecord, By, Idempotency, NewApiKey, Once, Page, PageKey, Paged, StoreError, entries,
};

use super::{Conn, RunQueryDsl, audit, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::rows::account::{ApiKeyRow, MembershipRow, UserRow, into_user};
use crate::schema::{api_keys, memberships, users};
use crate::text::storable;
use crate::types::{At, Id};

type Row = (ApiKeyRow, UserRow, MembershipRow);

/// A key's last use is written at most once in this time.
const TOUCH_EVERY_MICROS: i64 = Duration::from_mins(1).as_micros() as i64;

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewApiKey,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<()>>, Failure> {
    if let Some(answer) = keys::take(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    let created = entries::key_created(&new);
    insert(c, new).await?;
    audit::record(c, by, created).await?;
    Ok(Verdict::Keep(Once::Done(())))
}

pub(super) async fn insert(c: &mut Conn, new: NewApiKey) -> Result<(), Failure> {
    storable([new.name.as_str()])?;
    diesel::insert_into(api_keys::table)
        .values(ApiKeyRow::from(new))
        .execute(c)
        .await?;
    Ok(())
}

/// Keys that have not been revoked, with their owners.
macro_rules! records {
    () => {
        api_keys::table
            .inner_join(users::table.on(users::user_id.eq(api_keys::user_id)))
            .inner_join(
                memberships::table.on(memberships::org_id
                    .eq(api_keys::org_id)
                    .and(memberships::user_id.eq(api_keys::user_id))),
            )
            .filter(api_keys::revoked_at.is_null())
            .select((
                ApiKeyRow::as_select(),
                UserRow::as_select(),
                MembershipRow::as_select(),
            ))
    };
}

fn record((key, user, member): Row) -> Result<ApiKeyRecord, StoreError> {
    key.into_record(into_user(user, &member)?)
}

pub(crate) async fn find(c: &mut Conn, public_id: &str) -> Result<Option<ApiKeyRecord>, Failure> {
    let row: Option<Row> = records!()
        .filter(api_keys::public_id.eq(public_id))
        .first(c)
        .await
        .optional()?;
    Ok(row.map(record).transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    owner: Option<UserId>,
    page: Page,
) -> Result<Paged<ApiKeyRecord>, Failure> {
    use api_keys::{api_key_id, created_at};
    let mut query = records!()
        .filter(api_keys::org_id.eq(Id::from(org)))
        .into_boxed();
    if let Some(owner) = owner {
        query = query.filter(api_keys::user_id.eq(Id::from(owner)));
    }
    if let Some(key) = page.before {
        let (at, id) = (At(key.created_at), Id(key.id));
        query = query
            .filter(created_at.le(at))
            .filter(created_at.lt(at).or(api_key_id.lt(id)));
    }
    let rows: Vec<Row> = query
        .order((created_at.desc(), api_key_id.desc()))
        .limit(i64::from(page.limit) + 1)
        .load(c)
        .await?;
    let records = rows
        .into_iter()
        .map(record)
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(records, page.limit, |key| PageKey {
        created_at: key.created_at,
        id: key.api_key_id.as_uuid(),
    }))
}

pub(crate) async fn revoke(
    c: &mut Conn,
    org: OrgId,
    owner: Option<UserId>,
    key: ApiKeyId,
    at: Timestamp,
    by: By,
) -> Result<bool, Failure> {
    let mut query = diesel::update(api_keys::table)
        .filter(api_keys::org_id.eq(Id::from(org)))
        .filter(api_keys::api_key_id.eq(Id::from(key)))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(Some(At(at))))
        .into_boxed();
    if let Some(owner) = owner {
        query = query.filter(api_keys::user_id.eq(Id::from(owner)));
    }
    let revoked = query.execute(c).await? == 1;
    if revoked {
        audit::record(c, by, entries::key_revoked(org, key)).await?;
    }
    Ok(revoked)
}

pub(crate) async fn touch(
    c: &mut Conn,
    org: OrgId,
    key: ApiKeyId,
    at: Timestamp,
) -> Result<(), Failure> {
    let stale = Timestamp::from_micros(at.as_micros().saturating_sub(TOUCH_EVERY_MICROS));
    diesel::update(
        api_keys::table.find((Id::from(org), Id::from(key))).filter(
            api_keys::last_used_at
                .is_null()
                .or(api_keys::last_used_at.lt(At(stale))),
        ),
    )
    .set(api_keys::last_used_at.eq(Some(At(at))))
    .execute(c)
    .await?;
    Ok(())
}
