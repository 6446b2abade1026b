//! An organisation's own personas.

use diesel::prelude::*;
use runloom_domain::{OrgId, Timestamp};
use runloom_store::{
    By, DeletePersona, NewPersona, Once, Page, PageKey, Paged, PersonaHead, PersonaRecord,
    StoreError, WritePersona, entries, next_version,
};
use uuid::Uuid;

use super::{Conn, RunQueryDsl, audit, config, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::rows::persona::{PersonaRow, VersionRow};
use crate::rows::signed;
use crate::schema::{persona_versions, personas};
use crate::text::storable;
use crate::types::{At, Id};

/// The versions of personas that have not been deleted, with the personas.
macro_rules! records {
    ($org:expr) => {
        personas::table
            .inner_join(
                persona_versions::table.on(persona_versions::org_id
                    .eq(personas::org_id)
                    .and(persona_versions::persona_key.eq(personas::persona_key))),
            )
            .filter(personas::org_id.eq(Id::from($org)))
            .filter(personas::deleted_at.is_null())
            .filter(persona_versions::deleted_at.is_null())
            .select((PersonaRow::as_select(), VersionRow::as_select()))
    };
}

type Row = (PersonaRow, VersionRow);

fn into_records(rows: Vec<Row>) -> Result<Vec<PersonaRecord>, StoreError> {
    let rows = rows.into_iter();
    rows.map(|(persona, version)| version.into_record(persona))
        .collect()
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    key: Option<&str>,
    version: Option<&str>,
) -> Result<Option<PersonaRecord>, Failure> {
    let mut query = records!(org).into_boxed();
    query = match key {
        Some(key) => query.filter(personas::persona_key.eq(key.to_owned())),
        None => query.filter(personas::is_default),
    };
    query = match version {
        Some(version) => query.filter(persona_versions::version.eq(version.to_owned())),
        None => query.filter(persona_versions::number.eq(personas::last_number)),
    };
    let row: Option<Row> = query.first(c).await.optional()?;
    Ok(row
        .map(|(persona, version)| version.into_record(persona))
        .transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<PersonaRecord>, Failure> {
    use personas::{created_at, persona_id};
    let query = records!(org).filter(persona_versions::number.eq(personas::last_number));
    let rows: Vec<Row> = page!(query, page, created_at, persona_id).load(c).await?;
    let records = into_records(rows)?;
    Ok(Paged::from_surplus(records, page.limit, |row| PageKey {
        created_at: row.created_at,
        id: row.persona_id.as_uuid(),
    }))
}

pub(crate) async fn versions(
    c: &mut Conn,
    org: OrgId,
    key: &str,
    page: Page,
) -> Result<Option<Paged<PersonaRecord>>, Failure> {
    let found = head(c, org, key).await?;
    if found.is_none_or(|head| head.is_deleted) {
        return Ok(None);
    }
    let mut query = records!(org)
        .filter(personas::persona_key.eq(key.to_owned()))
        .into_boxed();
    if let Some(key) = page.before {
        let number = u64::try_from(key.id.as_u128()).unwrap_or(u64::MAX);
        query = query.filter(persona_versions::number.lt(signed(number)));
    }
    let rows: Vec<Row> = query
        .order(persona_versions::number.desc())
        .limit(i64::from(page.limit) + 1)
        .load(c)
        .await?;
    let records = into_records(rows)?;
    Ok(Some(Paged::from_surplus(records, page.limit, |row| {
        PageKey {
            created_at: row.updated_at,
            id: Uuid::from_u128(row.number.into()),
        }
    })))
}

async fn head(c: &mut Conn, org: OrgId, key: &str) -> Result<Option<PersonaHead>, Failure> {
    let row: Option<PersonaRow> = personas::table
        .find((Id::from(org), key))
        .select(PersonaRow::as_select())
        .first(c)
        .await
        .optional()?;
    Ok(row.map(PersonaRow::into_head).transpose()?)
}

pub(crate) async fn write(
    c: &mut Conn,
    now: dialect::Now,
    new: &NewPersona,
    by: By,
) -> Result<Verdict<Once<WritePersona>>, Failure> {
    if let Some(answer) = config::begin_creation(c, new.org_id, new.once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    let before = head(c, new.org_id, &new.persona.id.key).await?;
    let planned = match next_version(new, before) {
        Ok(record) if has_had(c, &record).await? => Err(WritePersona::VersionTaken),
        planned => planned,
    };
    let mut once = new.once.clone();
    if let (Some(once), Ok(record)) = (&mut once, &planned) {
        once.answer = (new.answer)(record);
    }
    if let Some(answer) = keys::take(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    let record = match planned {
        Ok(record) => record,
        Err(refusal) => return Ok(Verdict::Undo(Once::Done(refusal))),
    };
    storable([record.persona.id.key.as_str(), &record.persona.prompt])?;
    insert(c, &record, before.is_some()).await?;
    audit::record(c, by, entries::persona_written(&record)).await?;
    let written = WritePersona::Written(Box::new(record));
    Ok(Verdict::Keep(Once::Done(written)))
}

/// Whether the persona has, or had, a version of that name.
async fn has_had(c: &mut Conn, record: &PersonaRecord) -> QueryResult<bool> {
    let id = &record.persona.id;
    let found: Option<i64> = persona_versions::table
        .filter(persona_versions::org_id.eq(Id::from(record.org_id)))
        .filter(persona_versions::persona_key.eq(&id.key))
        .filter(persona_versions::version.eq(&id.version))
        .select(persona_versions::number)
        .first(c)
        .await
        .optional()?;
    Ok(found.is_some())
}

async fn insert(c: &mut Conn, record: &PersonaRecord, is_there: bool) -> Result<(), Failure> {
    let (org, key) = (Id::from(record.org_id), &record.persona.id.key);
    if record.is_default {
        diesel::update(personas::table)
            .filter(personas::org_id.eq(org))
            .filter(personas::is_default)
            .set(personas::is_default.eq(false))
            .execute(c)
            .await?;
    }
    let row = PersonaRow::with(record);
    if is_there {
        diesel::update(personas::table.find((org, key)))
            .set(row)
            .execute(c)
            .await?;
    } else {
        diesel::insert_into(personas::table)
            .values(row)
            .execute(c)
            .await?;
    }
    diesel::insert_into(persona_versions::table)
        .values(VersionRow::new(record)?)
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn delete(
    c: &mut Conn,
    org: OrgId,
    key: &str,
    expected: Option<u64>,
    at: Timestamp,
    by: By,
) -> Result<Verdict<DeletePersona>, Failure> {
    config::begin_write(c, org).await?;
    let found = head(c, org, key).await?;
    let Some(found) = found.filter(|head| !head.is_deleted) else {
        return Ok(Verdict::Undo(DeletePersona::Absent));
    };
    if expected.is_some_and(|expected| expected != found.last_number) {
        return Ok(Verdict::Undo(DeletePersona::Stale));
    }
    diesel::update(personas::table.find((Id::from(org), key)))
        .set((
            personas::deleted_at.eq(Some(At(at))),
            personas::is_default.eq(false),
        ))
        .execute(c)
        .await?;
    diesel::update(persona_versions::table)
        .filter(persona_versions::org_id.eq(Id::from(org)))
        .filter(persona_versions::persona_key.eq(key))
        .filter(persona_versions::deleted_at.is_null())
        .set(persona_versions::deleted_at.eq(Some(At(at))))
        .execute(c)
        .await?;
    audit::record(c, by, entries::persona_deleted(org, key)).await?;
    Ok(Verdict::Keep(DeletePersona::Deleted))
}
