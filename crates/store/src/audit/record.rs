use std::fmt;
use std::net::IpAddr;

use runloom_domain::{ApiKeyId, AuditRecordId, OrgId, Timestamp, TraceId, UserId};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Action, Actor, By};

/// What stands before a chain's first record.
pub const CHAIN_START: [u8; 32] = [0; 32];

/// What was done, and to what.
#[derive(Clone, Debug)]
pub struct Entry {
    org_id: OrgId,
    action: Action,
    subject_id: String,
    details: Map<String, Value>,
}

impl Entry {
    /// Something that was done to the thing with this id.
    pub fn new(action: Action, org: OrgId, subject: &impl fmt::Display) -> Self {
        Self {
            org_id: org,
            action,
            subject_id: subject.to_string(),
            details: Map::new(),
        }
    }

    /// Says more. Never a secret, nor a hash of one.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Says more, if there is something to say.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// A record of the audit log. It is never changed.
///
/// Actions and subjects are texts, since a newer version may have written some that this one
/// doesn't know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its id, in its organisation.
    pub record_id: AuditRecordId,
    /// Its organisation.
    pub org_id: OrgId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done: an [`Action`]'s name.
    pub action: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which one.
    pub subject_id: String,
    /// A JSON object's text, byte for byte as it was written.
    pub details: String,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The request's trace.
    pub trace_id: Option<TraceId>,
}

impl AuditRecord {
    /// The record of what was done.
    pub fn new(by: By, entry: Entry) -> Self {
        Self {
            record_id: by.record_id,
            org_id: entry.org_id,
            at: by.at,
            actor: by.actor,
            action: entry.action.as_str().to_owned(),
            subject_kind: entry.action.subject().to_owned(),
            subject_id: entry.subject_id,
            details: Value::Object(entry.details).to_string(),
            address: by.origin.address,
            trace_id: by.origin.trace_id,
        }
    }

    /// The hash that seals it behind a record whose hash is `previous`: SHA-256 of that and of
    /// every column with its length, so that nothing can move from one to the next.
    pub fn seal(&self, previous: &[u8; 32]) -> [u8; 32] {
        let user = self.actor.user_id().map(UserId::as_uuid);
        let key = self.actor.api_key_id().map(ApiKeyId::as_uuid);
        let address = self.address.map(|address| address.to_string());
        let trace = self.trace_id.map(|trace| trace.to_string());
        let mut hash = Sha256::new();
        hash.update(b"runloom audit 1");
        hash.update(previous);
        let mut column = |value: Option<&[u8]>| match value {
            None => hash.update([0]),
            Some(bytes) => {
                hash.update([1]);
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        };
        column(Some(self.org_id.as_uuid().as_bytes()));
        column(Some(self.record_id.as_uuid().as_bytes()));
        column(Some(&self.at.as_micros().to_be_bytes()));
        column(Some(self.actor.kind().as_bytes()));
        column(user.as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice));
        column(key.as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice));
        column(Some(self.action.as_bytes()));
        column(Some(self.subject_kind.as_bytes()));
        column(Some(self.subject_id.as_bytes()));
        column(Some(self.details.as_bytes()));
        column(address.as_deref().map(str::as_bytes));
        column(trace.as_deref().map(str::as_bytes));
        hash.finalize().into()
    }
}

/// A record's place in its organisation's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Counts from 1 without a gap.
    pub seq: u64,
    /// The hash of the seal before it; [`CHAIN_START`] for the first.
    pub previous: [u8; 32],
    /// What [`AuditRecord::seal`] gave.
    pub hash: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> AuditRecord {
        let at = Timestamp::from_micros(1);
        let org = OrgId::generate(at);
        let entry = Entry::new(Action::MemberRemoved, org, &"x").with("role", "viewer");
        AuditRecord::new(By::operator(at), entry)
    }

    #[test]
    fn details_are_an_object() {
        assert_eq!(record().details, r#"{"role":"viewer"}"#);
        let silent = Entry::new(Action::SessionsEnded, record().org_id, &"x");
        let silent = silent.maybe("name", None::<String>);
        assert_eq!(
            AuditRecord::new(By::operator(Timestamp::from_micros(1)), silent).details,
            "{}"
        );
    }

    #[test]
    fn every_column_counts() {
        let record = record();
        let sealed = record.seal(&CHAIN_START);
        let later = Timestamp::from_micros(2);
        let (user, key) = (UserId::generate(later), ApiKeyId::generate(later));
        let address = "10.0.0.1".parse().unwrap();
        let changes: [fn(&mut AuditRecord); 4] = [
            |r| r.action.push('x'),
            |r| r.details.push(' '),
            |r| (r.action, r.subject_kind) = ("member".into(), ".removeduser".into()),
            |r| r.trace_id = Some(TraceId::generate()),
        ];
        for change in changes {
            let mut other = record.clone();
            change(&mut other);
            assert_ne!(other.seal(&CHAIN_START), sealed, "{other:?}");
        }
        for other in [
            AuditRecord {
                org_id: OrgId::generate(later),
                ..record.clone()
            },
            AuditRecord {
                record_id: AuditRecordId::generate(later),
                ..record.clone()
            },
            AuditRecord {
                at: later,
                ..record.clone()
            },
            AuditRecord {
                actor: Actor::System,
                ..record.clone()
            },
            AuditRecord {
                actor: Actor::User(user),
                ..record.clone()
            },
            AuditRecord {
                actor: Actor::ApiKey(key, user),
                ..record.clone()
            },
            AuditRecord {
                subject_id: "y".to_owned(),
                ..record.clone()
            },
            AuditRecord {
                address: Some(address),
                ..record.clone()
            },
        ] {
            assert_ne!(other.seal(&CHAIN_START), sealed, "{other:?}");
        }
        assert_ne!(record.seal(&[1; 32]), sealed);
        assert_eq!(record.clone().seal(&CHAIN_START), sealed);
    }
}
