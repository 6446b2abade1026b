use diesel::prelude::*;
use runloom_store::{PersonaHead, PersonaRecord, StoreError};

use super::{signed, unsigned};
use crate::failure::corrupt;
use crate::schema::{persona_versions, personas};
use crate::types::{At, Id};

/// A persona without its versions, as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = personas, primary_key(org_id, persona_key))]
#[diesel(treat_none_as_null = true)]
pub(crate) struct PersonaRow {
    org_id: Id,
    persona_key: String,
    persona_id: Id,
    is_default: bool,
    last_number: i64,
    created_at: At,
    deleted_at: Option<At>,
}

impl PersonaRow {
    /// The row when the version is the newest.
    pub(crate) fn with(record: &PersonaRecord) -> Self {
        Self {
            org_id: record.org_id.into(),
            persona_key: record.persona.id.key.clone(),
            persona_id: record.persona_id.into(),
            is_default: record.is_default,
            last_number: signed(record.number),
            created_at: At(record.created_at),
            deleted_at: None,
        }
    }

    pub(crate) fn into_head(self) -> Result<PersonaHead, StoreError> {
        let (key, last) = (&self.persona_key, self.last_number);
        Ok(PersonaHead {
            persona_id: self.persona_id.into(),
            last_number: unsigned("personas", "last_number", key, last)?,
            is_default: self.is_default,
            is_deleted: self.deleted_at.is_some(),
            created_at: self.created_at.0,
        })
    }
}

/// A version of a persona as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = persona_versions)]
pub(crate) struct VersionRow {
    org_id: Id,
    persona_key: String,
    number: i64,
    version: String,
    spec: String,
    created_by: Id,
    created_at: At,
}

impl VersionRow {
    pub(crate) fn new(record: &PersonaRecord) -> Result<Self, StoreError> {
        let spec = serde_json::to_string(&record.persona);
        Ok(Self {
            org_id: record.org_id.into(),
            persona_key: record.persona.id.key.clone(),
            number: signed(record.number),
            version: record.persona.id.version.clone(),
            spec: spec.map_err(|error| StoreError::Rejected(error.into()))?,
            created_by: record.updated_by.into(),
            created_at: At(record.updated_at),
        })
    }

    pub(crate) fn into_record(self, persona: PersonaRow) -> Result<PersonaRecord, StoreError> {
        let key = (&self.persona_key, &self.version);
        let head = persona.into_head()?;
        Ok(PersonaRecord {
            org_id: self.org_id.into(),
            persona_id: head.persona_id,
            persona: serde_json::from_str(&self.spec)
                .map_err(|error| corrupt("persona_versions", "spec", key, error))?,
            number: unsigned("persona_versions", "number", key, self.number)?,
            is_default: head.is_default,
            created_at: head.created_at,
            updated_by: self.created_by.into(),
            updated_at: self.created_at.0,
        })
    }
}
