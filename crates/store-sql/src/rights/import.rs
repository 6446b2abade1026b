//! Reading the lines of an export into a database.

mod checked;
mod filling;
mod members;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use runloom_domain::{Clock, OrgId, RunId, TraceId, UserId};
use serde_json::value::RawValue;

use self::filling::Filling;
use self::members::Members;
use super::file::Reader;
use super::form::{Field, Object};
use super::objects::{MEMBER_KIND, OBJECTS};
use super::session::{self, Row, Session};
use super::walk::table_of;
use super::{Place, RightsError, RightsProgress, json, runs};
use crate::copy::image::{Image, Kind};
use crate::{Database as _, PostgresStore};

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The login or address of somebody who is there already and becomes an owner.
    pub as_owner: Option<String>,
    /// Whether members are left out whose login or address is somebody else's here, instead of
    /// being in the way.
    pub without_known_logins: bool,
    /// The hash of a password that nobody can know, for those who come.
    pub no_password: String,
}

/// What an import has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The organisation.
    pub org: OrgId,
    /// How many objects the file had.
    pub objects: u64,
    /// The logins of the members who were left out.
    pub left_out: Vec<String>,
    /// Runs that had not ended, with who has created them. No node takes one up: they have to be
    /// cancelled.
    pub live: Vec<(RunId, UserId)>,
}

/// The largest value of a number that is no limit.
const LARGEST: i64 = 1 << 53;

/// Reads an organisation from the file of an export into a database that doesn't have it.
///
/// The file is read twice: first to see whether it is whole and as it was written, then to write
/// it, in one transaction, so that all of it is there or nothing. On PostgreSQL servers may use
/// the database meanwhile, on SQLite nobody. Ids, seqs and times stay. People come without
/// passwords, and what had secrets comes without them. `progress` is called at the end of each
/// kind of line, and sometimes before.
///
/// Call this on a multi-thread runtime. Dropping the future leaves nothing.
pub async fn import_org(
    place: &Place,
    file: &Path,
    options: &ImportOptions,
    clock: Arc<dyn Clock>,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<Imported, RightsError> {
    let months = checked::check(file, clock.now())?;
    let mut session = Session::writing(place, clock.clone()).await?;
    make_room(place, months).await?;
    session.begin().await?;
    session.keep_log_parts().await?;
    let mut reader = open(file)?;
    let org = reader.org();
    refuse_known(&mut session, org).await?;
    let mut members = Members::new(org, options);
    let mut filling = Filling::new(org, clock.now());
    while let Some((kind, line)) = reader.next()? {
        let object = object(kind);
        let row = object.and_then(|object| Ok((object, parse(object, line)?)));
        let number = reader.number();
        let (object, row) = row.map_err(|reason| RightsError::Line {
            line: number,
            reason,
        })?;
        if object.kind == MEMBER_KIND {
            filling.flush(&mut session, progress).await?;
            members.take(&mut session, object, number, row).await?;
        } else {
            filling
                .take(&mut session, object, number, row, progress)
                .await?;
        }
    }
    filling.flush(&mut session, progress).await?;
    let left_out = members.finish(&mut session, clock.now()).await?;
    refuse_twins(&mut session, org).await?;
    let live = live(&mut session, org).await?;
    session.run("COMMIT").await?;
    session.close().await?;
    Ok(Imported {
        org,
        objects: reader.number() - 2,
        left_out,
        live,
    })
}

/// On PostgreSQL the events of each month are in a part of the log.
async fn make_room(place: &Place, months: BTreeSet<String>) -> Result<(), RightsError> {
    if let Place::Postgres(url) = place {
        let store = PostgresStore::open(url).await?;
        store.make_log_parts(months).await?;
        store.close().await?;
    }
    Ok(())
}

fn open(file: &Path) -> Result<Reader<BufReader<File>>, RightsError> {
    Reader::begin(BufReader::new(File::open(file)?))
}

fn object(kind: &str) -> Result<&'static Object, String> {
    let known = OBJECTS.iter().find(|object| object.kind == kind);
    known.ok_or_else(|| format!("this version knows no object of the type {kind}"))
}

/// The values of a line, which has all of them and no other.
fn parse(object: &Object, line: &str) -> Result<Row, String> {
    let mut said: BTreeMap<String, &RawValue> =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    said.remove("type");
    let mut row = Row::new();
    for field in object.fields() {
        let raw = said.remove(field.name);
        let raw = raw.ok_or_else(|| format!("it has no {}", field.name))?;
        let image = json::read(field, raw).and_then(|image| within(field, image));
        row.push(image.map_err(|reason| format!("its {} can't be taken: {reason}", field.name))?);
    }
    match said.into_keys().next() {
        Some(more) => Err(format!("this version knows no {more} of a {}", object.kind)),
        None => Ok(row),
    }
}

/// An id of the organisation's can be there only with the organisation, or what is left of it.
async fn refuse_known(session: &mut Session, org: OrgId) -> Result<(), RightsError> {
    match table_of(session, org).await? {
        None => Ok(()),
        Some(table) => Err(RightsError::Refused(format!(
            "the organisation {org} is here already: {table} has rows of it"
        ))),
    }
}

/// Refuses what no deployment has written: numbers below zero, or so large that counting on from
/// them fails, and traces that are none. A row with such a value would be in the way of those of
/// others that are read along with it.
fn within(field: &Field, image: Image) -> Result<Image, &'static str> {
    if let (Kind::BigInt | Kind::Integer, Some(number)) = (field.kind, image.as_number()) {
        if number < 0 && field.name != "credits" {
            return Err("it is below zero");
        }
        if number > LARGEST && !field.name.starts_with("max_") {
            return Err("it is too large");
        }
    }
    if field.name == "trace_id" {
        let trace = image.as_text().map(str::parse::<TraceId>);
        trace.transpose().map_err(|_| "it is no trace")?;
    }
    Ok(image)
}

/// Nodes know the runs that they work on by id alone, so no two of one id may be alive.
async fn refuse_twins(session: &mut Session, org: OrgId) -> Result<(), RightsError> {
    let org_id = [session::id(org.as_uuid())];
    if session.number(&runs::count_twins(), &org_id).await? > 0 {
        return Err(RightsError::Refused(
            "a run of it has the id of one that another organisation is running here".to_owned(),
        ));
    }
    Ok(())
}

async fn live(session: &mut Session, org: OrgId) -> Result<Vec<(RunId, UserId)>, RightsError> {
    let kinds = [Kind::Id, Kind::Id];
    let org_id = [session::id(org.as_uuid())];
    let live = runs::with_creators();
    let rows = session.rows(&live, &org_id, &kinds).await?;
    let ids = rows.iter().filter_map(|row| {
        let [run, by] = row.as_slice() else {
            return None;
        };
        let run = RunId::from_uuid(run.as_id()?);
        Some((run, UserId::from_uuid(by.as_id()?)))
    });
    Ok(ids.collect())
}

#[cfg(test)]
mod tests {
    use super::super::form::{number, text};
    use super::*;

    #[test]
    fn what_would_be_in_the_way_of_others_is_refused() {
        let refused = |field: &Field, image| within(field, image).is_err();
        assert!(refused(&number("epoch"), Image::number(i64::MAX)));
        assert!(refused(&number("seq"), Image::number(-1)));
        assert!(refused(&text("trace_id"), Image::text("x")));
        assert!(!refused(&number("credits"), Image::number(-1)));
        assert!(!refused(&number("max_tokens"), Image::number(i64::MAX)));
        assert!(!refused(&text("trace_id"), Image(None)));
    }
}
