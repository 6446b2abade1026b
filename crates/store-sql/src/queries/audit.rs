//! The audit log.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use runloom_domain::{AuditRecordId, OrgId, Timestamp, UserId};
use runloom_store::{
    AuditFilter, AuditRecord, Audited, By, CHAIN_START, ChainLink, Entry, Page, PageKey, Paged,
    Seal, SealedRecord, StoreError,
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

/// Records with their seals.
macro_rules! audited {
    () => {
        audit_records::table
            .left_join(
                audit_seals::table.on(audit_seals::org_id
                    .eq(audit_records::org_id)
                    .and(audit_seals::record_id.eq(audit_records::record_id))),
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
    let rows = rows.into_iter().map(|(record, seal)| {
        let seal = seal.map(SealRow::into_seal).transpose()?;
        Ok(Audited {
            record: record.into_record()?,
            seal: seal.map(|(_, seal)| seal),
        })
    });
    let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(rows, page.limit, |it| PageKey {
        created_at: it.record.at,
        id: it.record.record_id.as_uuid(),
    }))
}

/// Whether anything waits for its seal.
pub(crate) async fn is_pending(c: &mut Conn) -> Result<bool, Failure> {
    let found: Option<Id> = audit_pending::table
        .select(audit_pending::org_id)
        .first(c)
        .await
        .optional()?;
    Ok(found.is_some())
}

/// What waits, in the order in which it is sealed: with its record if that is there, and the seal
/// that it shouldn't have yet.
async fn pending(
    c: &mut Conn,
    limit: u32,
) -> QueryResult<Vec<(Id, Id, Option<AuditRow>, Option<i64>)>> {
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
        .order((audit_pending::org_id, audit_pending::record_id))
        .limit(i64::from(limit))
        .select((
            audit_pending::org_id,
            audit_pending::record_id,
            Option::<AuditRow>::as_select(),
            audit_seals::seq.nullable(),
        ))
        .load(c)
        .await
}

pub(crate) async fn seal(c: &mut Conn, limit: u32) -> Result<Verdict<u32>, Failure> {
    if !dialect::seals_alone(c).await? {
        return Ok(Verdict::Undo(0));
    }
    let mut waiting = pending(c, limit).await?.into_iter().peekable();
    let mut count = 0;
    while let Some((org, ..)) = waiting.peek() {
        let org = *org;
        let mut ids = Vec::new();
        let mut records = Vec::new();
        while let Some((_, id, row, seal)) = waiting.next_if(|(of, ..)| *of == org) {
            ids.push(id);
            // What can't be read, or was put here again, would hold up all others for ever. The
            // check of the chain names it.
            let record = row.filter(|_| seal.is_none()).map(AuditRow::into_record);
            records.extend(record.and_then(Result::ok));
        }
        count += ids.len() as u32;
        chain(c, org.into(), &records).await?;
        let sealed = audit_pending::table
            .filter(audit_pending::org_id.eq(org))
            .filter(audit_pending::record_id.eq_any(ids));
        diesel::delete(sealed).execute(c).await?;
    }
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
    before: Timestamp,
    limit: u32,
) -> Result<Vec<AuditRecordId>, Failure> {
    let seal = audit_seals::table
        .filter(audit_seals::org_id.eq(audit_records::org_id))
        .filter(audit_seals::record_id.eq(audit_records::record_id));
    let ids: Vec<Id> = audit_records::table
        .filter(audit_records::org_id.eq(Id::from(org)))
        .filter(audit_records::created_at.lt(At(before)))
        .filter(not(exists(seal)))
        .order(audit_records::record_id)
        .limit(i64::from(limit))
        .select(audit_records::record_id)
        .load(c)
        .await?;
    Ok(ids.into_iter().map(AuditRecordId::from).collect())
}
