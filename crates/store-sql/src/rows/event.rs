use diesel::prelude::*;
use runloom_domain::{EncodedEvent, OrgId, RunId, StoredEvent};
use runloom_store::StoreError;

use super::{signed, unsigned};
use crate::schema::events;
use crate::types::{At, Id};

/// An event to be written.
#[derive(Debug, Insertable)]
#[diesel(table_name = events)]
pub(crate) struct NewEventRow<'a> {
    org_id: Id,
    run_id: Id,
    seq: i64,
    n: i64,
    event_type: &'a str,
    data: &'a str,
    private: Option<&'a str>,
    created_at: At,
}

impl<'a> NewEventRow<'a> {
    pub(crate) fn new(org: OrgId, run: RunId, seq: u64, event: &'a EncodedEvent) -> Self {
        Self {
            org_id: org.into(),
            run_id: run.into(),
            seq: signed(seq),
            n: 1,
            event_type: &event.event_type,
            data: &event.data,
            private: event.private.as_deref(),
            created_at: At(event.created_at),
        }
    }
}

/// An event as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = events)]
pub(crate) struct EventRow {
    seq: i64,
    event_type: String,
    data: String,
    private: Option<String>,
    created_at: At,
}

impl EventRow {
    pub(crate) fn into_event(self, run: RunId) -> Result<StoredEvent, StoreError> {
        Ok(StoredEvent {
            seq: unsigned("events", "seq", run, self.seq)?,
            event: EncodedEvent {
                event_type: self.event_type,
                data: self.data,
                private: self.private,
                created_at: self.created_at.0,
            },
        })
    }
}
