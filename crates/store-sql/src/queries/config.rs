//! What all writes to an organisation's configuration have in common.

use diesel::dsl::count_star;
use diesel::prelude::*;
use runloom_domain::OrgId;
use runloom_store::{Configured, Idempotency, KeyConflict, Once};
use uuid::Uuid;

use super::{Conn, RunQueryDsl, dialect, keys, routes};
use crate::failure::Failure;
use crate::predicate::IsOpen;
use crate::rows::unsigned;
use crate::schema::{events, orgs, run_heads};
use crate::types::Id;

/// Counts a write, and keeps others from writing until the transaction ends. Before anything
/// else, so that all take what they need in one order.
pub(super) async fn begin_write(c: &mut Conn, org: OrgId) -> QueryResult<()> {
    diesel::update(orgs::table.find(Id::from(org)))
        .set(orgs::config_version.eq(orgs::config_version + 1))
        .execute(c)
        .await?;
    Ok(())
}

/// Keeps others from writing until the transaction ends, for what may turn out not to be a
/// write to the configuration. [`begin_write`] may follow.
pub(super) async fn lock(c: &mut Conn, org: OrgId) -> QueryResult<()> {
    let row = orgs::table.find(Id::from(org)).select(orgs::config_version);
    dialect::locked!(row).load::<i64>(c).await?;
    Ok(())
}

/// The same for a creation. `Some` is the call's answer: another one has kept it waiting too
/// long, most likely its twin.
pub(super) async fn begin_creation<T>(
    c: &mut Conn,
    org: OrgId,
    once: Option<&Idempotency>,
) -> Result<Option<Once<T>>, Failure> {
    match begin_write(c, org).await {
        Ok(()) => Ok(None),
        Err(error) if once.is_some() && dialect::gave_up_waiting(&error) => {
            Ok(Some(Once::Conflict(KeyConflict::InProgress)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The same, and takes the creation's key: `Some` also when it was carried out before.
pub(super) async fn begin_once<T>(
    c: &mut Conn,
    now: dialect::Now,
    org: OrgId,
    once: Option<&Idempotency>,
) -> Result<Option<Once<T>>, Failure> {
    match begin_creation(c, org, once).await? {
        Some(answer) => Ok(Some(answer)),
        None => Ok(keys::take(c, now, org, once).await?),
    }
}

pub(crate) async fn version(c: &mut Conn, org: OrgId) -> Result<u64, Failure> {
    let found: Option<i64> = orgs::table
        .find(Id::from(org))
        .select(orgs::config_version)
        .first(c)
        .await
        .optional()?;
    Ok(unsigned("orgs", "config_version", org, found.unwrap_or(0))?)
}

/// The version first: what is written after that is found again under the next one.
pub(crate) async fn read(c: &mut Conn, org: OrgId) -> Result<Configured, Failure> {
    Ok(Configured {
        version: version(c, org).await?,
        routes: routes::all(c, org).await?,
    })
}

/// How many runs that have not ended froze the id when they began.
pub(super) async fn runs_using(c: &mut Conn, org: OrgId, id: Uuid) -> Result<u64, Failure> {
    let count: i64 = run_heads::table
        .inner_join(
            events::table.on(events::org_id
                .eq(run_heads::org_id)
                .and(events::run_id.eq(run_heads::run_id))
                .and(events::seq.eq(1))),
        )
        .filter(run_heads::org_id.eq(Id::from(org)))
        .filter(IsOpen)
        .filter(events::private.like(format!("%{id}%")))
        .select(count_star())
        .first(c)
        .await?;
    Ok(unsigned("events", "private", org, count)?)
}
