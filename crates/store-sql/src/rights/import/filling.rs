//! Writing lines into their tables, many at a time.

use runloom_domain::{OrgId, Timestamp};

use super::super::form::{Made, Object, Part};
use super::super::session::{Row, Session};
use super::super::{RightsError, RightsProgress};
use crate::copy::image::{Image, Kind};

/// So many lines are written at once, or about so many bytes.
const LINES: usize = 500;
const BYTES: usize = 1 << 20;

/// The version of a data key that no organisation has: a secret under it can't be read, and is
/// met by no change of keys.
const NO_KEY: i64 = u32::MAX as i64;

/// Lines of one kind that wait to be written.
pub(super) struct Filling {
    org: OrgId,
    now: Timestamp,
    object: Option<&'static Object>,
    rows: Vec<Row>,
    /// The line of the first of them.
    first: u64,
    bytes: usize,
    /// Lines of the kind so far.
    written: u64,
}

impl Filling {
    pub(super) const fn new(org: OrgId, now: Timestamp) -> Self {
        Self {
            org,
            now,
            object: None,
            rows: Vec::new(),
            first: 0,
            bytes: 0,
            written: 0,
        }
    }

    /// Takes a line, and writes those before it when they are many or of another kind.
    pub(super) async fn take(
        &mut self,
        session: &mut Session,
        object: &'static Object,
        line: u64,
        row: Row,
        progress: &mut dyn FnMut(RightsProgress),
    ) -> Result<(), RightsError> {
        if self.object.is_some_and(|known| known.kind != object.kind) {
            self.flush(session, progress).await?;
        } else if self.rows.len() >= LINES || self.bytes >= BYTES {
            self.write(session).await?;
            progress(self.progress(object, false));
        }
        self.object = Some(object);
        if self.rows.is_empty() {
            self.first = line;
        }
        self.bytes += row.iter().map(Image::len).sum::<usize>();
        self.rows.push(row);
        Ok(())
    }

    /// Writes what waits; a kind ends.
    pub(super) async fn flush(
        &mut self,
        session: &mut Session,
        progress: &mut dyn FnMut(RightsProgress),
    ) -> Result<(), RightsError> {
        self.write(session).await?;
        if let Some(object) = self.object.take() {
            progress(self.progress(object, true));
        }
        self.written = 0;
        Ok(())
    }

    fn progress(&self, object: &Object, done: bool) -> RightsProgress {
        RightsProgress {
            what: object.kind,
            rows: self.written,
            done,
        }
    }

    async fn write(&mut self, session: &mut Session) -> Result<(), RightsError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let Some(object) = self.object else {
            return Ok(());
        };
        for part in object.parts {
            let made: Vec<Row> = rows
                .iter()
                .map(|row| made(part.made, object, row, self.now))
                .collect();
            insert(session, self.org, object, part, &rows, made)
                .await
                .map_err(|error| RightsError::Line {
                    line: self.first,
                    reason: format!(
                        "it or one of the {} after it can't be written: {error}",
                        rows.len().saturating_sub(1)
                    ),
                })?;
        }
        self.written += rows.len() as u64;
        Ok(())
    }
}

/// Writes a part of lines, with the values that are `made` for it.
pub(super) async fn insert(
    session: &mut Session,
    org: OrgId,
    object: &'static Object,
    part: &Part,
    rows: &[Row],
    made: Vec<Row>,
) -> Result<(), RightsError> {
    let columns = part.columns(object);
    let org_column = part.has_org.then_some(("org_id", Kind::Id));
    let all: Vec<(&str, Kind)> = org_column.into_iter().chain(columns).collect();
    let names: Vec<String> = all.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let values: Vec<String> = (1..=all.len()).map(|place| format!("${place}")).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    let sql = format!("INSERT INTO \"{}\" ({names}) VALUES ({values})", part.table);
    let kinds: Vec<Kind> = all.iter().map(|(_, kind)| *kind).collect();
    let own = part.fields.iter().map(|field| field.name);
    let places: Vec<usize> = own
        .chain(part.shared.iter().copied())
        .filter_map(|name| object.place(name))
        .collect();
    let rows: Vec<Row> = rows
        .iter()
        .zip(made)
        .map(|(row, made)| {
            let org = part.has_org.then(|| Image::id(org.as_uuid()));
            let said = places.iter().filter_map(|place| row.get(*place).cloned());
            org.into_iter().chain(said).chain(made).collect()
        })
        .collect();
    session.insert(&sql, &kinds, &rows).await
}

/// The values of a part's made columns, but for a person's.
fn made(made: Made, object: &Object, row: &Row, now: Timestamp) -> Row {
    let says = |name: &str, value: &str| {
        let image = object.place(name).and_then(|place| row.get(place));
        image.and_then(Image::as_text) == Some(value)
    };
    let unreadable = || {
        let nonce = Image(Some(vec![0; 12]));
        vec![Image(Some(Vec::new())), nonce, Image::number(NO_KEY)]
    };
    match made {
        Made::Nothing | Made::Password => Row::new(),
        // A run whose end was asked for starts nothing any more, so any node may end it.
        Made::WakeAt if says("status", "cancelling") => vec![Image::moment(now)],
        Made::WakeAt => vec![Image(None)],
        Made::ServerSecret if says("auth", "none") => vec![Image(None); 3],
        Made::ServerSecret | Made::SigningSecret => unreadable(),
    }
}
