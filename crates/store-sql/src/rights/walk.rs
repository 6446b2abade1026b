//! Which tables have rows of organisations and of people, as the schema says.

use runloom_domain::OrgId;

use super::RightsError;
use super::session::{self, Session};
use crate::copy::TABLES;
use crate::copy::image::{Image, Kind};

/// A table and its key.
pub(super) struct Walked {
    pub(super) name: &'static str,
    /// Whether the database lets its rows go with that of their organisation, and perhaps no
    /// other way.
    pub(super) cascades: bool,
    key: Vec<String>,
}

/// How many rows go in one transaction, so that others don't wait for long.
const AT_ONCE: u32 = 1_000;

impl Walked {
    /// Deletes some of the rows with a `column` of `$1`.
    pub(super) fn delete_some(&self, column: &str) -> String {
        let (name, key) = (self.name, self.key.join(", "));
        format!(
            "DELETE FROM \"{name}\" WHERE ({key}) IN
                (SELECT {key} FROM \"{name}\" WHERE {column} = $1 LIMIT {AT_ONCE})"
        )
    }
}

/// The tables with rows of organisations, children before what they refer to.
pub(super) async fn org_tables(session: &mut Session) -> Result<Vec<Walked>, RightsError> {
    tables(session, "org_id").await
}

/// A table that has a row of an organisation, its own row first.
pub(super) async fn table_of(
    session: &mut Session,
    org: OrgId,
) -> Result<Option<&'static str>, RightsError> {
    let org = [session::id(org.as_uuid())];
    let tables = org_tables(session).await?;
    for table in tables.into_iter().rev() {
        let name = table.name;
        let sql =
            format!("SELECT count(*) FROM (SELECT 1 FROM \"{name}\" WHERE org_id = $1 LIMIT 1) t");
        if session.number(&sql, &org).await? > 0 {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The same of people. What goes with an organisation is not theirs, whomever it names.
pub(super) async fn user_tables(session: &mut Session) -> Result<Vec<Walked>, RightsError> {
    let mut tables = tables(session, "user_id").await?;
    tables.retain(|table| !table.cascades);
    Ok(tables)
}

/// Those that have the column. One that isn't in the list of tables has no known order.
async fn tables(session: &mut Session, column: &str) -> Result<Vec<Walked>, RightsError> {
    let found = texts(session, with_column(session), column).await?;
    let unknown = found.iter().find(|name| !TABLES.contains(&name.as_str()));
    if let Some(unknown) = unknown {
        let fault = format!("the table {unknown} is not known");
        return Err(RightsError::Schema(fault));
    }
    let cascading = texts(session, cascading(session), "orgs").await?;
    let mut tables = Vec::new();
    for name in TABLES.into_iter().rev() {
        if found.iter().any(|found| found == name) {
            let key = texts(session, key(session), name).await?;
            let cascades = cascading.iter().any(|found| found == name);
            tables.push(Walked {
                name,
                cascades,
                key,
            });
        }
    }
    Ok(tables)
}

async fn texts(
    session: &mut Session,
    sql: &str,
    argument: &str,
) -> Result<Vec<String>, RightsError> {
    let rows = session
        .rows(sql, &[session::text(argument)], &[Kind::Text])
        .await?;
    let texts = rows.iter().flatten().filter_map(Image::as_text);
    Ok(texts.map(str::to_owned).collect())
}

/// Asks for the tables with the column `$1`. Partitions are of the table that they are a part of.
const fn with_column(session: &Session) -> &'static str {
    if session.is_shared() {
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            AND a.attname = $1 AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
            AND NOT c.relispartition"
    } else {
        "SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.name = $1"
    }
}

/// Asks for the tables whose rows go with those of the table `$1` that they refer to.
const fn cascading(session: &Session) -> &'static str {
    if session.is_shared() {
        "SELECT c.relname::text FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid
        WHERE f.contype = 'f' AND f.confdeltype = 'c' AND f.confrelid = to_regclass($1)"
    } else {
        "SELECT t.name FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
        WHERE t.type = 'table' AND f.\"table\" = $1 AND f.on_delete = 'CASCADE'"
    }
}

/// The columns of a table.
pub(super) async fn columns(
    session: &mut Session,
    table: &str,
) -> Result<Vec<String>, RightsError> {
    let asked = if session.is_shared() {
        "SELECT attname::text FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
    } else {
        "SELECT name FROM pragma_table_info($1)"
    };
    texts(session, asked, table).await
}

/// Asks for the key of the table `$1`.
const fn key(session: &Session) -> &'static str {
    if session.is_shared() {
        "SELECT quote_ident(a.attname) FROM pg_index i JOIN pg_attribute a
            ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indisprimary AND i.indrelid = to_regclass($1)"
    } else {
        "SELECT '\"' || name || '\"' FROM pragma_table_info($1) WHERE pk > 0"
    }
}
