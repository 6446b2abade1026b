use diesel::prelude::*;
use runloom_store::{NewThread, ThreadRecord};

use crate::schema::threads;
use crate::types::{At, Id};

/// A thread to be written.
#[derive(Debug, Insertable)]
#[diesel(table_name = threads)]
pub(crate) struct NewThreadRow {
    org_id: Id,
    thread_id: Id,
    created_by: Id,
    title: Option<String>,
    metadata: Option<String>,
    hidden: bool,
    created_at: At,
}

impl NewThreadRow {
    /// One that no list shows.
    pub(crate) fn hidden(new: NewThread) -> Self {
        Self {
            hidden: true,
            ..new.into()
        }
    }
}

impl From<NewThread> for NewThreadRow {
    fn from(new: NewThread) -> Self {
        Self {
            org_id: new.org_id.into(),
            thread_id: new.thread_id.into(),
            created_by: new.created_by.into(),
            title: new.title,
            metadata: new.metadata,
            hidden: false,
            created_at: At(new.created_at),
        }
    }
}

/// A thread as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = threads)]
pub(crate) struct ThreadRow {
    org_id: Id,
    thread_id: Id,
    created_by: Id,
    title: Option<String>,
    metadata: Option<String>,
    created_at: At,
}

impl ThreadRow {
    /// With the thread's live run, which is read beside it.
    pub(crate) fn into_record(self, active_run_id: Option<Id>) -> ThreadRecord {
        ThreadRecord {
            thread_id: self.thread_id.into(),
            org_id: self.org_id.into(),
            created_by: self.created_by.into(),
            title: self.title,
            metadata: self.metadata,
            created_at: self.created_at.0,
            active_run_id: active_run_id.map(Into::into),
        }
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
/// What to change; the outer `None` leaves a column as it is.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = threads)]
pub(crate) struct ThreadChanges {
    pub(crate) title: Option<Option<String>>,
    pub(crate) metadata: Option<Option<String>>,
}
