//! Writing an organisation as lines.

use std::io::Write;

use runloom_domain::OrgId;

use super::file::Writer;
use super::form::Object;
use super::objects::{LEFT_OUT, OBJECTS, parts};
use super::session::{self, Row, Session};
use super::walk::{columns, org_tables};
use super::{Place, RightsError, RightsProgress, json, runs};
use crate::copy::image::Kind;

/// Progress is told after so many lines.
const TELL_EVERY: u64 = 1_000;

const KNOWN: &str = "SELECT count(*) FROM orgs WHERE org_id = $1";

/// How to export.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportOptions {
    /// Whether runs that have not ended are exported as they are, instead of being in the way.
    pub with_live: bool,
}

/// Writes an organisation to `out` as lines of JSON, in the form of `docs/design/export.md`, and
/// returns how many objects there are.
///
/// All of it is as at one moment, read in one transaction beside whoever uses the database; so
/// two exports of the same data are the same bytes. One object at a time is in memory. On SQLite
/// the log of the file grows as long as this takes. `progress` is called every thousand lines and
/// at the end of each kind.
///
/// Call this on a multi-thread runtime. Dropping the future, or an error, leaves `out` without a
/// footer, which an import refuses.
pub async fn export_org(
    place: &Place,
    org: OrgId,
    options: ExportOptions,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<u64, RightsError> {
    let mut session = Session::reading(place).await?;
    session.begin_reading().await?;
    refuse_unknown(&mut session).await?;
    let org_id = [session::id(org.as_uuid())];
    if session.number(KNOWN, &org_id).await? == 0 {
        return Err(RightsError::NoOrg(org));
    }
    let live = session.number(&runs::count(), &org_id).await?;
    if live > 0 && !options.with_live {
        return Err(RightsError::Live(live));
    }
    let mut writer = Writer::begin(out, org)?;
    let mut all = 0;
    for object in OBJECTS {
        all += lines(&mut session, object, org, &mut writer, progress).await?;
    }
    session.run("COMMIT").await?;
    writer.finish()?;
    session.close().await?;
    Ok(all)
}

/// A database of a later version may have what is not known here: that would be left out.
async fn refuse_unknown(session: &mut Session) -> Result<(), RightsError> {
    let unknown = |what: &str| {
        let fault = format!("this version doesn't know whether {what} is to be exported");
        Err(RightsError::Schema(fault))
    };
    for table in org_tables(session).await? {
        let exported = parts().any(|(_, part)| part.table == table.name);
        if !exported && LEFT_OUT.iter().all(|(name, _)| *name != table.name) {
            return unknown(table.name);
        }
    }
    for (object, part) in parts() {
        for column in columns(session, part.table).await? {
            if !part.knows(object, &column) {
                return unknown(&format!("{}.{column}", part.table));
            }
        }
    }
    Ok(())
}

async fn lines(
    session: &mut Session,
    object: &'static Object,
    org: OrgId,
    writer: &mut Writer<'_>,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<u64, RightsError> {
    let sql = object.select(session.collation());
    let kinds: Vec<Kind> = object.fields().map(|field| field.kind).collect();
    let mut so_far = RightsProgress {
        what: object.kind,
        rows: 0,
        done: false,
    };
    let mut line = Vec::new();
    let mut each = |row: Row| {
        so_far.rows += 1;
        encode(&mut line, object, &row, so_far.rows)?;
        writer.object(object.kind, &line)?;
        if so_far.rows.is_multiple_of(TELL_EVERY) {
            progress(so_far);
        }
        Ok(())
    };
    let org = [session::id(org.as_uuid())];
    session.each(&sql, &org, &kinds, &mut each).await?;
    so_far.done = true;
    progress(so_far);
    Ok(so_far.rows)
}

/// The line of a row, which is the `place`th of its kind.
fn encode(line: &mut Vec<u8>, object: &Object, row: &Row, place: u64) -> Result<(), RightsError> {
    line.clear();
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(object.kind.as_bytes());
    line.push(b'"');
    for (field, image) in object.fields().zip(row) {
        line.extend_from_slice(b",\"");
        line.extend_from_slice(field.name.as_bytes());
        line.extend_from_slice(b"\":");
        json::write(line, field, image).map_err(|reason| RightsError::Value {
            kind: object.kind,
            place,
            field: field.name,
            reason,
        })?;
    }
    line.extend_from_slice(b"}\n");
    Ok(())
}
