//! Changing a thread.

use diesel::prelude::*;
use runloom_domain::{OrgId, ThreadId};
use runloom_store::{ThreadPatch, ThreadRecord};

use super::{Conn, done, queries};
use crate::failure::Failure;
use crate::rows::thread::ThreadChanges;
use crate::schema::threads;
use crate::text::storable;
use crate::types::Id;

/// Changes a thread, and reads it.
pub(super) fn update(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
    patch: ThreadPatch,
) -> Result<Option<ThreadRecord>, Failure> {
    let texts = [&patch.title, &patch.metadata];
    storable(texts.into_iter().flatten().flatten().map(String::as_str))?;
    if patch.title.is_some() || patch.metadata.is_some() {
        let row = threads::table.find((Id::from(org), Id::from(thread)));
        diesel::update(row.filter(threads::deleted_at.is_null()))
            .set(ThreadChanges {
                title: patch.title,
                metadata: patch.metadata,
            })
            .execute(c)?;
    }
    done(queries::threads::get(c, org, thread))
}
