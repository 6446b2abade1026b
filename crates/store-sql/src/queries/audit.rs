//! The audit log.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use runloom_domain::{AuditRecordId, OrgId, UserId};
use runloom_store::{
    AuditFilter, AuditRecord, Audited, By, CHAIN_START, ChainLink, Entry, Page, Paged, Seal,
    SealedRecord, StoreError, Unsealed,
};

use super::{Conn, RunQueryDsl, dialect, sessions};
use crate::failure::{Failure, Verdict};
use crate::rows::audit::{AuditRow, SealRow};
use crate::schema::{audit_pending, audit_records, audit_seals, orgs};
use crate::text::storable;
use crate::types::{At, Id};

/// Writes a record of what the transaction does.
pub(crate) async fn record(c: &mut Conn, by: By, entry: Entry) -> Result<(), Failure> {
    let record = AuditRecord::new(by, entry);
    storable([record.subject_id.as_str()])?;
    let (org, id) = (Id::from(record.org_id), Id::from(record.record_id));
    diesel::insert_into(audit_records::table)
        .values(AuditRow::from(record))
        .execute(c)
        .await?;
    diesel::insert_into(audit_pending::table)
        .values((
            audit_pending::org_id.eq(org),
            audit_pending::record_id.eq(id),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// The same in each organisation that a person is in.
pub(super) async fn record_of(
    c: &mut Conn,
    by: By,
    user: UserId,
    entry: impl Fn(OrgId) -> Entry + Send,
) -> Result<(), Failure> {
    for org in sessions::orgs_of(c, user).await? {
        record(c, by, entry(org)).await?;
    }
    Ok(())
}

/// Records with their seals. The sealer gives places above 0 only.
macro_rules! audited {
    () => {
        audit_records::table
            .left_join(
                audit_seals::table.on(audit_seals::org_id
                    .eq(audit_records::org_id)
                    .and(audit_seals::record_id.eq(audit_records::record_id))
                    .and(audit_seals::seq.gt(0))),
            )
            .select((AuditRow::as_select(), Option::<SealRow>::as_select()))
    };
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    filter: AuditFilter,
    page: Page,
) -> Result<Paged<Audited>, Failure> {
    use audit_records::{action, created_at, record_id, subject_id, user_id};
    let query = audited!().filter(audit_records::org_id.eq(Id::from(org)));
    let mut query = page!(query, page, created_at, record_id);
    if let Some(wanted) = filter.action {
        query = query.filter(action.eq(wanted));
    }
    if let Some(wanted) = filter.actor {
        query = query.filter(user_id.eq(Some(Id::from(wanted))));
    }
    if let Some(wanted) = filter.subject {
        query = query.filter(subject_id.eq(wanted));
    }
    if let Some(from) = filter.from {
        query = query.filter(created_at.ge(At(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(created_at.lt(At(to)));
    }
    let rows: Vec<(AuditRow, Option<SealRow>)> = query.load(c).await?;
    let Paged { items, next } = Paged::from_surplus(rows, page.limit, |(record, _)| record.key());
    // One that can't be read would take all others on its page along.
    let items = items.into_iter().filter_map(|row| {
        let read = audited(row);
        let log = |error| tracing::error!(%org, %error, "a record of the audit log can't be read");
        read.map_err(log).ok()
    });
    Ok(Paged {
        items: items.collect(),
        next,
    })
}

fn audited((record, seal): (AuditRow, Option<SealRow>)) -> Result<Audited, StoreError> {
    let seal = seal.map(SealRow::into_seal).transpose()?;
    Ok(Audited {
        record: record.into_record()?,
        seal: seal.map(|(_, seal)| seal),
    })
}

/// Organisations with records that wait for their seals.
pub(crate) async fn unsealed_orgs(
    c: &mut Conn,
    after: Option<OrgId>,
    limit: u32,
) -> Result<Vec<OrgId>, Failure> {
    let mut query = audit_pending::table
        .select(audit_pending::org_id)
        .distinct()
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(audit_pending::org_id.gt(Id::from(after)));
    }
    let found: Vec<Id> = query
        .order(audit_pending::org_id)
        .limit(i64::from(limit))
        .load(c)
        .await?;
    Ok(found.into_iter().map(OrgId::from).collect())
}

/// What waits, in the order in which it is sealed: with its record if that is there, and the seal
/// that it shouldn't have yet.
async fn pending(
    c: &mut Conn,
    org: OrgId,
    limit: u32,
) -> QueryResult<Vec<(Id, Option<AuditRow>, Option<i64>)>> {
    audit_pending::table
        .left_join(
            audit_records::table.on(audit_records::org_id
                .eq(audit_pending::org_id)
                .and(audit_records::record_id.eq(audit_pending::record_id))),
        )
        .left_join(
            audit_seals::table.on(audit_seals::org_id
                .eq(audit_pending::org_id)
                .and(audit_seals::record_id.eq(audit_pending::record_id))),
        )
        .filter(audit_pending::org_id.eq(Id::from(org)))
        .order(audit_pending::record_id)
        .limit(i64::from(limit))
        .select((
            audit_pending::record_id,
            Option::<AuditRow>::as_select(),
            audit_seals::seq.nullable(),
        ))
        .load(c)
        .await
}

pub(crate) async fn seal(c: &mut Conn, org: OrgId, limit: u32) -> Result<Verdict<u32>, Failure> {
    if !dialect::seals_alone(c).await? {
        return Ok(Verdict::Undo(0));
    }
    let mut ids = Vec::new();
    let mut records = Vec::new();
    for (id, row, seal) in pending(c, org, limit).await? {
        ids.push(id);
        let record = AuditRecordId::from(id);
        // What can't be sealed would hold up all others for ever.
        match (row.map(AuditRow::into_record), seal) {
            (_, Some(_)) => {
                tracing::error!(%org, %record, "a record of the audit log was sealed before");
            }
            (None, None) => {
                tracing::error!(%org, %record, "a record of the audit log is gone");
            }
            (Some(Ok(read)), None) => records.push(read),
            // The check of the chain names it, too.
            (Some(Err(error)), None) => {
                tracing::error!(%org, %record, %error, "a record of the audit log can't be sealed");
            }
        }
    }
    chain(c, org, &records).await?;
    let count = ids.len() as u32;
    let sealed = audit_pending::table
        .filter(audit_pending::org_id.eq(Id::from(org)))
        .filter(audit_pending::record_id.eq_any(ids));
    diesel::delete(sealed).execute(c).await?;
    Ok(Verdict::Keep(count))
}

/// Adds records to their organisation's chain.
async fn chain(c: &mut Conn, org: OrgId, records: &[AuditRecord]) -> Result<(), Failure> {
    let head: Option<SealRow> = audit_seals::table
        .filter(audit_seals::org_id.eq(Id::from(org)))
        .order(audit_seals::seq.desc())
        .select(SealRow::as_select())
        .first(c)
        .await
        .optional()?;
    let head = head.map(SealRow::into_seal).transpose()?;
    let (mut seq, mut previous) = head.map_or((0, CHAIN_START), |(_, seal)| (seal.seq, seal.hash));
    let mut rows = Vec::new();
    for record in records {
        seq += 1;
        let hash = record.seal(&previous);
        let seal = Seal {
            seq,
            previous,
            hash,
        };
        rows.push(SealRow::new(org, record.record_id, &seal));
        previous = hash;
    }
    dialect::insert_seals(c, rows).await?;
    Ok(())
}

pub(crate) async fn orgs(
    c: &mut Conn,
    after: Option<OrgId>,
    limit: u32,
) -> Result<Vec<OrgId>, Failure> {
    let mut query = orgs::table.select(orgs::org_id).into_boxed();
    if let Some(after) = after {
        query = query.filter(orgs::org_id.gt(Id::from(after)));
    }
    let found: Vec<Id> = query
        .order(orgs::org_id)
        .limit(i64::from(limit))
        .load(c)
        .await?;
    Ok(found.into_iter().map(OrgId::from).collect())
}

pub(crate) async fn links(
    c: &mut Conn,
    org: OrgId,
    after: u64,
    limit: u32,
) -> Result<Vec<ChainLink>, Failure> {
    let rows: Vec<(SealRow, Option<AuditRow>)> = audit_seals::table
        .left_join(
            audit_records::table.on(audit_records::org_id
                .eq(audit_seals::org_id)
                .and(audit_records::record_id.eq(audit_seals::record_id))),
        )
        .filter(audit_seals::org_id.eq(Id::from(org)))
        .filter(audit_seals::seq.gt(crate::rows::signed(after)))
        .order(audit_seals::seq)
        .limit(i64::from(limit))
        .select((SealRow::as_select(), Option::<AuditRow>::as_select()))
        .load(c)
        .await?;
    let links = rows.into_iter().map(|(seal, row)| {
        let (record_id, seal) = seal.into_seal()?;
        let record = match row.map(AuditRow::into_record) {
            None => SealedRecord::Gone,
            Some(Ok(record)) => SealedRecord::Kept(Box::new(record)),
            Some(Err(_)) => SealedRecord::Unreadable,
        };
        Ok(ChainLink {
            seal,
            record_id,
            record,
        })
    });
    Ok(links.collect::<Result<_, StoreError>>()?)
}

pub(crate) async fn unsealed(
    c: &mut Conn,
    org: OrgId,
    after: Option<AuditRecordId>,
    limit: u32,
) -> Result<Vec<Unsealed>, Failure> {
    let seal = audit_seals::table
        .filter(audit_seals::org_id.eq(audit_records::org_id))
        .filter(audit_seals::record_id.eq(audit_records::record_id))
        .filter(audit_seals::seq.gt(0));
    let mut query = audit_records::table
        .left_join(
            audit_pending::table.on(audit_pending::org_id
                .eq(audit_records::org_id)
                .and(audit_pending::record_id.eq(audit_records::record_id))),
        )
        .filter(audit_records::org_id.eq(Id::from(org)))
        .filter(not(exists(seal)))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(audit_records::record_id.gt(Id::from(after)));
    }
    let rows: Vec<(Id, At, Option<Id>)> = query
        .order(audit_records::record_id)
        .limit(i64::from(limit))
        .select((
            audit_records::record_id,
            audit_records::created_at,
            audit_pending::record_id.nullable(),
        ))
        .load(c)
        .await?;
    let unsealed = rows.into_iter().map(|(id, at, waiting)| Unsealed {
        record_id: id.into(),
        at: at.0,
        waits: waiting.is_some(),
    });
    Ok(unsealed.collect())
}
