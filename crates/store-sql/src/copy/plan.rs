//! Which columns are copied and in which order, as the two databases say.

use std::sync::Arc;

use tokio_postgres::types::Type;

use super::image::{Image, Kind};
use super::source::{Source, SqliteColumn};
use super::target::Target;
use super::{CopyError, LEFT_OUT, TABLES};

/// A row, in the order of its table's columns.
pub(super) type Row = Vec<Image>;

/// A table of both databases.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
    /// The places of the key's columns among the columns.
    key: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) postgres: Type,
}

/// The tables to copy. Fails unless the source has these alone, with the target's columns.
pub(super) async fn read(source: &Source, target: &Target) -> Result<Vec<Arc<Table>>, CopyError> {
    let known =
        |name: &String| TABLES.contains(&name.as_str()) || LEFT_OUT.contains(&name.as_str());
    if let Some(unknown) = source.tables().await?.into_iter().find(|name| !known(name)) {
        return Err(CopyError::Schema(format!(
            "the copy doesn't know the table {unknown}"
        )));
    }
    let mut tables = Vec::new();
    for name in TABLES {
        let (ours, theirs) = (source.columns(name).await?, target.columns(name).await?);
        tables.push(Arc::new(Table::of(name, ours, &theirs)?));
    }
    Ok(tables)
}

impl Table {
    fn of(
        name: &'static str,
        ours: Vec<SqliteColumn>,
        theirs: &[(String, Type)],
    ) -> Result<Self, CopyError> {
        let schema = |what: String| CopyError::Schema(format!("{name} {what}"));
        if let Some((more, _)) = theirs
            .iter()
            .find(|(column, _)| ours.iter().all(|our| our.name != *column))
        {
            return Err(schema(format!("has no column {more} in SQLite")));
        }
        let mut key: Vec<(i32, usize)> = ours
            .iter()
            .enumerate()
            .filter(|(_, column)| column.key > 0)
            .map(|(place, column)| (column.key, place))
            .collect();
        key.sort_unstable();
        if key.is_empty() {
            return Err(schema("has no primary key".to_owned()));
        }
        let columns = ours.into_iter().map(|our| {
            let Some((_, postgres)) = theirs.iter().find(|(column, _)| our.name == *column) else {
                return Err(schema(format!("has no column {} in PostgreSQL", our.name)));
            };
            let Some(kind) = Kind::of(&our.declared, postgres) else {
                let (column, declared) = (our.name, our.declared);
                return Err(schema(format!(
                    "has {column} as {declared} and as {postgres}"
                )));
            };
            Ok(Column {
                name: our.name,
                kind,
                postgres: postgres.clone(),
            })
        });
        Ok(Self {
            name,
            columns: columns.collect::<Result<_, _>>()?,
            key: key.into_iter().map(|(_, place)| place).collect(),
        })
    }

    /// The columns, quoted and with commas.
    pub(super) fn list(&self) -> String {
        let quoted: Vec<String> = self.columns.iter().map(Column::quoted).collect();
        quoted.join(", ")
    }

    /// All rows in the order of the key. Text goes by its bytes in SQLite, and in PostgreSQL
    /// when that is the `collation`.
    pub(super) fn select(&self, collation: &str) -> String {
        let key: Vec<String> = self
            .key
            .iter()
            .map(|&place| match self.columns[place].kind {
                Kind::Text => self.columns[place].quoted() + collation,
                _ => self.columns[place].quoted(),
            })
            .collect();
        let (list, key) = (self.list(), key.join(", "));
        format!("SELECT {list} FROM \"{}\" ORDER BY {key}", self.name)
    }

    /// Names a row by its key.
    pub(super) fn name_of(&self, row: &[Image]) -> String {
        let parts: Vec<String> = self
            .key
            .iter()
            .map(|&place| {
                let column = &self.columns[place];
                format!("{} {}", column.name, column.kind.show(&row[place]))
            })
            .collect();
        parts.join(", ")
    }

    /// Whether two rows have the same key.
    pub(super) fn same_key(&self, one: &[Image], other: &[Image]) -> bool {
        self.key.iter().all(|&place| one[place] == other[place])
    }
}

impl Column {
    fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, declared: &str, key: i32) -> SqliteColumn {
        SqliteColumn {
            name: name.to_owned(),
            declared: declared.to_owned(),
            key,
        }
    }

    fn ours() -> Vec<SqliteColumn> {
        vec![
            column("name", "TEXT", 2),
            column("org_id", "BLOB", 1),
            column("n", "INTEGER", 0),
        ]
    }

    fn theirs(more: &[(&str, Type)]) -> Vec<(String, Type)> {
        let both = [("org_id", Type::UUID), ("name", Type::TEXT)];
        both.iter()
            .chain(more)
            .map(|(name, postgres)| ((*name).to_owned(), postgres.clone()))
            .collect()
    }

    #[test]
    fn rows_are_read_in_the_order_of_the_key_by_bytes() {
        let table = Table::of("t", ours(), &theirs(&[("n", Type::INT8)])).unwrap();
        assert_eq!(
            table.select(" COLLATE \"C\""),
            "SELECT \"name\", \"org_id\", \"n\" FROM \"t\" ORDER BY \"org_id\", \"name\" COLLATE \"C\""
        );
        let row = ["a", "0123456789abcdef", "01234567"].map(|text| Image(Some(text.into())));
        assert_eq!(
            table.name_of(&row),
            "org_id 30313233-3435-3637-3839-616263646566, name \"a\""
        );
    }

    #[test]
    fn a_column_of_one_side_alone_fails_the_copy() {
        let error = |theirs: &[(String, Type)]| {
            let error = Table::of("t", ours(), theirs).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            error(&theirs(&[])),
            "the schemas differ: t has no column n in PostgreSQL"
        );
        assert_eq!(
            error(&theirs(&[("n", Type::INT8), ("more", Type::TEXT)])),
            "the schemas differ: t has no column more in SQLite"
        );
        assert_eq!(
            error(&theirs(&[("n", Type::NUMERIC)])),
            "the schemas differ: t has n as INTEGER and as numeric"
        );
    }
}
