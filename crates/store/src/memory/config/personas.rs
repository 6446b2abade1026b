use std::collections::BTreeMap;

use runloom_domain::{OrgId, Timestamp};
use uuid::Uuid;

use super::is_stale;
use crate::memory::lists::in_order;
use crate::memory::state::{State, storable};
use crate::{
    By, DeletePersona, NewPersona, Once, Page, PageKey, Paged, PersonaHead, PersonaRecord,
    StoreError, WritePersona, entries, next_version,
};

/// A persona with all versions that it has had; a deleted one stays, for the sake of their names.
pub(in crate::memory) struct StoredPersona {
    head: PersonaHead,
    /// By number.
    versions: BTreeMap<u64, StoredVersion>,
}

struct StoredVersion {
    record: PersonaRecord,
    is_deleted: bool,
}

impl StoredPersona {
    const fn head(&self) -> PersonaHead {
        self.head
    }

    fn has_had(&self, name: &str) -> bool {
        let mut versions = self.versions.values();
        versions.any(|version| version.record.persona.id.version == name)
    }

    /// The versions that can be read, the newest first.
    fn shown(&self) -> impl Iterator<Item = PersonaRecord> {
        let versions = self.versions.values().rev();
        let shown = versions.filter(|version| !version.is_deleted);
        shown.map(|version| PersonaRecord {
            is_default: self.head.is_default,
            ..version.record.clone()
        })
    }
}

impl State {
    fn stored_persona(&self, org: OrgId, key: &str) -> Option<&StoredPersona> {
        let found = self.config.personas.get(&(org, key.to_owned()));
        found.filter(|persona| !persona.head.is_deleted)
    }

    pub(super) fn own_persona(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Option<PersonaRecord> {
        let found = match key {
            Some(key) => self.stored_persona(org, key)?,
            None => self.default_persona(org)?,
        };
        let fits = |record: &PersonaRecord| {
            version.is_none_or(|version| version == record.persona.id.version)
        };
        found.shown().find(fits)
    }

    fn default_persona(&self, org: OrgId) -> Option<&StoredPersona> {
        let mut own = self.config.personas.iter().filter(|(key, _)| key.0 == org);
        let found = own.find(|(_, persona)| persona.head.is_default && !persona.head.is_deleted);
        found.map(|(_, persona)| persona)
    }

    pub(super) fn newest_personas(&self, org: OrgId) -> Vec<PersonaRecord> {
        let own = self.config.personas.iter().filter(|(key, _)| key.0 == org);
        own.filter_map(|(_, persona)| persona.shown().next())
            .collect()
    }

    pub(super) fn versions_of(
        &self,
        org: OrgId,
        key: &str,
        page: Page,
    ) -> Option<Paged<PersonaRecord>> {
        let shown = self.stored_persona(org, key)?.shown().collect();
        let key = |record: &PersonaRecord| PageKey {
            created_at: record.updated_at,
            id: Uuid::from_u128(record.number.into()),
        };
        Some(in_order(shown, page, key, |key| key.id))
    }

    pub(super) fn add_persona(
        &mut self,
        mut new: NewPersona,
        now: Timestamp,
        by: By,
    ) -> Result<Once<WritePersona>, StoreError> {
        let key = (new.org_id, new.persona.id.key.clone());
        let before = self.config.personas.get(&key);
        let had = |record: &PersonaRecord| {
            before.is_some_and(|before| before.has_had(&record.persona.id.version))
        };
        let record = match next_version(&new, before.map(StoredPersona::head)) {
            Ok(record) if had(&record) => Err(WritePersona::VersionTaken),
            planned => planned,
        };
        if let Some(answer) = self.replay(new.once.as_ref(), now) {
            return Ok(answer);
        }
        let record = match record {
            Ok(record) => record,
            Err(refusal) => return Ok(Once::Done(refusal)),
        };
        storable([record.persona.id.key.as_str(), &record.persona.prompt])?;
        if let Some(once) = &mut new.once {
            once.answer = (new.answer)(&record);
        }
        self.put_persona(record.clone());
        self.note(by, entries::persona_written(&record));
        self.keep(new.once, now);
        Ok(Once::Done(WritePersona::Written(Box::new(record))))
    }

    fn put_persona(&mut self, record: PersonaRecord) {
        let (org, key) = (record.org_id, record.persona.id.key.clone());
        if record.is_default {
            let own = self.config.personas.iter_mut();
            for (_, other) in own.filter(|((other, _), _)| *other == org) {
                other.head.is_default = false;
            }
        }
        let head = PersonaHead {
            persona_id: record.persona_id,
            last_number: record.number,
            is_default: record.is_default,
            is_deleted: false,
            created_at: record.created_at,
        };
        let persona = self.config.personas.entry((org, key));
        let persona = persona.or_insert_with(|| StoredPersona {
            head,
            versions: BTreeMap::new(),
        });
        persona.head = head;
        let version = StoredVersion {
            record,
            is_deleted: false,
        };
        persona.versions.insert(head.last_number, version);
        self.config_changed(org);
    }

    pub(super) fn remove_persona(
        &mut self,
        org: OrgId,
        key: &str,
        expected: Option<u64>,
        by: By,
    ) -> DeletePersona {
        let found = self.config.personas.get_mut(&(org, key.to_owned()));
        let Some(persona) = found.filter(|persona| !persona.head.is_deleted) else {
            return DeletePersona::Absent;
        };
        if is_stale(persona.head.last_number, expected) {
            return DeletePersona::Stale;
        }
        persona.head.is_deleted = true;
        persona.head.is_default = false;
        for version in persona.versions.values_mut() {
            version.is_deleted = true;
        }
        self.config_changed(org);
        self.note(by, entries::persona_deleted(org, key));
        DeletePersona::Deleted
    }
}
