use std::net::IpAddr;

use diesel::prelude::*;
use runloom_domain::{AuditRecordId, OrgId, TraceId};
use runloom_store::{Actor, AuditRecord, PageKey, Seal, StoreError};

use super::account::hash;
use super::{signed, unsigned};
use crate::failure::corrupt;
use crate::schema::{audit_records, audit_seals};
use crate::types::{At, Id};

/// A record of the audit log.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_records)]
pub(crate) struct AuditRow {
    org_id: Id,
    record_id: Id,
    created_at: At,
    actor: String,
    user_id: Option<Id>,
    api_key_id: Option<Id>,
    action: String,
    subject_kind: String,
    subject_id: String,
    details: String,
    address: Option<String>,
    trace_id: Option<String>,
}

impl From<AuditRecord> for AuditRow {
    fn from(record: AuditRecord) -> Self {
        let actor = record.actor;
        Self {
            org_id: record.org_id.into(),
            record_id: record.record_id.into(),
            created_at: At(record.at),
            actor: actor.kind().to_owned(),
            user_id: actor.user_id().map(Id::from),
            api_key_id: actor.api_key_id().map(Id::from),
            action: record.action,
            subject_kind: record.subject_kind,
            subject_id: record.subject_id,
            details: record.details,
            address: record.address.map(|address| address.to_string()),
            trace_id: record.trace_id.map(|trace| trace.to_string()),
        }
    }
}

impl AuditRow {
    pub(crate) const fn key(&self) -> PageKey {
        PageKey {
            created_at: self.created_at.0,
            id: self.record_id.0,
        }
    }

    pub(crate) fn into_record(self) -> Result<AuditRecord, StoreError> {
        let key = self.record_id;
        let corrupt = |column, why: String| corrupt("audit_records", column, key, why);
        let (user, api_key) = (
            self.user_id.map(Into::into),
            self.api_key_id.map(Into::into),
        );
        let actor = Actor::from_parts(&self.actor, user, api_key);
        let address = self.address.map(|text| text.parse::<IpAddr>()).transpose();
        let trace_id = self
            .trace_id
            .map(|text| text.parse::<TraceId>())
            .transpose();
        Ok(AuditRecord {
            record_id: key.into(),
            org_id: self.org_id.into(),
            at: self.created_at.0,
            actor: actor.ok_or_else(|| corrupt("actor", self.actor))?,
            action: self.action,
            subject_kind: self.subject_kind,
            subject_id: self.subject_id,
            details: self.details,
            address: address.map_err(|error| corrupt("address", error.to_string()))?,
            trace_id: trace_id.map_err(|error| corrupt("trace_id", error.to_string()))?,
        })
    }
}

/// A record's place in its organisation's chain.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_seals)]
pub(crate) struct SealRow {
    org_id: Id,
    seq: i64,
    record_id: Id,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl SealRow {
    pub(crate) fn new(org: OrgId, record: AuditRecordId, seal: &Seal) -> Self {
        Self {
            org_id: org.into(),
            seq: signed(seal.seq),
            record_id: record.into(),
            previous_hash: seal.previous.to_vec(),
            hash: seal.hash.to_vec(),
        }
    }

    pub(crate) fn into_seal(self) -> Result<(AuditRecordId, Seal), StoreError> {
        let (table, key) = ("audit_seals", (self.org_id, self.seq));
        let seal = Seal {
            seq: unsigned(table, "seq", key, self.seq)?,
            previous: hash(table, "previous_hash", key, &self.previous_hash)?,
            hash: hash(table, "hash", key, &self.hash)?,
        };
        Ok((self.record_id.into(), seal))
    }
}
