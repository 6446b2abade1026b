use std::collections::BTreeSet;

use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use runloom_domain::SystemClock;

use super::*;
use crate::sqlite::open::{FILE, connect};

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
}

/// The columns of all tables, as the migrations have made them.
fn columns() -> Vec<Column> {
    let folder = tempfile::tempdir().unwrap();
    drop(crate::open_sqlite(folder.path(), std::sync::Arc::new(SystemClock)).unwrap());
    let asked = "SELECT t.name AS of, c.name FROM sqlite_schema t
        JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
    let mut c = connect(&folder.path().join(FILE)).unwrap();
    sql_query(asked).load(&mut c).unwrap()
}

/// A table or column that comes later has to be decided about.
#[test]
fn every_column_of_an_organisation_is_exported_or_left_out_on_purpose() {
    let columns = columns();
    let of = |table: &str| -> BTreeSet<&str> {
        let of_it = columns.iter().filter(|column| column.of == table);
        of_it.map(|column| column.name.as_str()).collect()
    };
    for (object, part) in parts() {
        let org = part.has_org.then_some("org_id");
        let written = part.columns(object).into_iter().map(|(name, _)| name);
        let named: Vec<&str> = org
            .into_iter()
            .chain(written)
            .chain(part.left.iter().copied())
            .collect();
        let named_once: BTreeSet<&str> = named.iter().copied().collect();
        assert_eq!(named.len(), named_once.len(), "{}", part.table);
        assert_eq!(named_once, of(part.table), "{}", part.table);
    }
    let exported: BTreeSet<&str> = parts().map(|(_, part)| part.table).collect();
    for table in columns.iter().map(|column| column.of.as_str()) {
        let of_somebody = of(table).contains("org_id") || of(table).contains("user_id");
        let left_out = LEFT_OUT.iter().any(|(name, _)| *name == table);
        assert_eq!(of_somebody, left_out || exported.contains(table), "{table}");
        assert!(!(left_out && exported.contains(table)), "{table}");
    }
}

#[test]
fn no_two_fields_of_a_line_have_the_same_name() {
    for object in OBJECTS {
        let names: Vec<&str> = object.fields().map(|field| field.name).collect();
        let once: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), once.len(), "{}", object.kind);
        assert!(!once.contains("type"), "{}", object.kind);
    }
}

#[test]
fn a_join_names_its_tables_and_text_goes_by_its_bytes() {
    let versions = PERSONA_VERSION.select(" COLLATE \"C\"");
    assert!(
        versions.ends_with(
            "FROM persona_versions WHERE persona_versions.org_id = $1 \
             ORDER BY persona_versions.\"persona_key\" COLLATE \"C\", persona_versions.\"number\""
        ),
        "{versions}"
    );
    let events = EVENT.select("");
    assert!(
        events.contains("events.\"type\", events.\"data\""),
        "{events}"
    );
    assert!(
        events.contains(" AND runs.events_expired_at IS NULL ORDER BY"),
        "{events}"
    );
}
