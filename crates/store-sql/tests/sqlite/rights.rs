//! Deleting from every table that the schema has, whatever it is called.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use runloom_domain::{OrgId, SystemClock};
use runloom_store::StoreError;
use runloom_store_sql::{
    Database as _, Deleted, Place, RightsError, RightsProgress, delete_org, delete_user,
};
use tempfile::TempDir;

use crate::file::open;

const OURS: &str = "00000000000040008000000000000001";
const THEIRS: &str = "00000000000040008000000000000002";

/// More rows of the log than go at once.
const EVENTS: i64 = 2_500;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared: String,
}

struct Filled {
    folder: TempDir,
    c: SqliteConnection,
    columns: Vec<Column>,
}

impl Filled {
    /// A row of each organisation, and its person, in each table that has such.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        drop(open(&folder).unwrap());
        let path = folder.path().join("runloom.db");
        let mut c = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        c.batch_execute("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .unwrap();
        let asked = "SELECT t.name AS of, c.name, c.type AS declared FROM sqlite_schema t
            JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
        let columns = sql_query(asked).load(&mut c).unwrap();
        let mut filled = Self { folder, c, columns };
        for table in filled.tables() {
            for (org, name) in [(OURS, "canary-of-ours"), (THEIRS, "of-theirs")] {
                let row = filled.a_row(&table, org, name);
                filled.c.batch_execute(&row).unwrap();
            }
        }
        let events = format!(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= {EVENTS})
            INSERT INTO events (org_id, run_id, seq, type, data, created_at)
            SELECT x'{OURS}', x'{OURS}', i, 't', 'canary-of-ours', 1 FROM n"
        );
        filled.c.batch_execute(&events).unwrap();
        filled
    }

    fn tables(&self) -> Vec<String> {
        let of_somebody = |column: &&Column| ["org_id", "user_id"].contains(&&*column.name);
        let tables = self.columns.iter().filter(of_somebody);
        let mut tables: Vec<String> = tables.map(|column| column.of.clone()).collect();
        tables.dedup();
        assert!(tables.len() > 25, "{tables:?}");
        tables
    }

    fn a_row(&self, table: &str, org: &str, name: &str) -> String {
        let columns = self.columns.iter().filter(|column| column.of == table);
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in columns {
            names.push(format!("\"{}\"", column.name));
            values.push(match (column.name.as_str(), column.declared.as_str()) {
                ("org_id" | "user_id", _) => format!("x'{org}'"),
                ("kind", _) => "'person'".to_owned(),
                (_, "BLOB") => "randomblob(16)".to_owned(),
                (_, "TEXT") => format!("'{name}-' || hex(randomblob(4))"),
                _ => "1".to_owned(),
            });
        }
        let (names, values) = (names.join(", "), values.join(", "));
        format!("INSERT INTO \"{table}\" ({names}) VALUES ({values})")
    }

    /// How many rows of any table are of the organisation or the person.
    fn rows_of(&mut self, org: &str) -> i64 {
        let columns = self.columns.iter();
        let ids = columns.filter(|column| ["org_id", "user_id"].contains(&&*column.name));
        let counts: Vec<String> = ids
            .map(|id| {
                format!(
                    "(SELECT count(*) FROM \"{}\" WHERE {} = x'{org}')",
                    id.of, id.name
                )
            })
            .collect();
        let counted = sql::<BigInt>(&format!("SELECT {}", counts.join(" + ")));
        counted.get_result(&mut self.c).unwrap()
    }

    /// All values of the other organisation.
    fn theirs(&mut self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in self.tables() {
            let columns = self.columns.iter().filter(|column| column.of == table);
            let values: Vec<String> = columns
                .map(|column| format!("quote(\"{}\")", column.name))
                .collect();
            let (values, theirs) = (values.join(" || ',' || "), format!("X'{THEIRS}'"));
            let asked = format!("SELECT {values} FROM \"{table}\" ORDER BY 1");
            let found: Vec<String> = sql::<Text>(&asked).load(&mut self.c).unwrap();
            rows.extend(found.into_iter().filter(|row| row.contains(&theirs)));
        }
        rows
    }

    fn place(&self) -> Place {
        Place::Sqlite(self.folder.path().to_owned())
    }

    fn holds(&self, text: &str) -> bool {
        let files = fs::read_dir(self.folder.path()).unwrap();
        files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| {
                let mut parts = bytes.windows(text.len());
                parts.any(|part| part == text.as_bytes())
            })
    }
}

fn ours() -> OrgId {
    OrgId::from_uuid(uuid::Uuid::parse_str(OURS).unwrap())
}

async fn delete(
    place: &Place,
    for_good: bool,
    progress: &mut dyn FnMut(RightsProgress),
) -> Result<Deleted, RightsError> {
    delete_org(place, ours(), for_good, Arc::new(SystemClock), progress).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_goes_and_no_other_also_when_it_was_cut_off() {
    let mut filled = Filled::new();
    let (place, theirs) = (filled.place(), filled.theirs());
    let all = filled.rows_of(OURS);
    let would = delete(&place, false, &mut |_| {}).await.unwrap();
    assert_eq!(filled.rows_of(OURS), all, "it was only counted");
    // Whoever drops the work does so between two of its steps.
    let (reached, mut here) = tokio::sync::mpsc::unbounded_channel();
    let mut tell = |progress: RightsProgress| {
        if progress.what == "events" {
            let _ = reached.send(());
        }
    };
    tokio::select! {
        biased;
        _ = here.recv() => {}
        deleted = delete(&place, true, &mut tell) => panic!("it came to its end: {deleted:?}"),
    }
    let left = filled.rows_of(OURS);
    assert!(left > 0 && left < all, "{left} of {all}");
    let deleted = delete(&place, true, &mut |_| {}).await.unwrap();
    assert_eq!(filled.rows_of(OURS), 0);
    assert_eq!(filled.theirs(), theirs);
    assert!(!filled.holds("canary-of-ours") && filled.holds("of-theirs"));
    assert_eq!(
        (deleted.orgs, deleted.users.len()),
        (BTreeSet::from([ours()]), 1)
    );
    let tables = filled.tables().len() as u64;
    assert_eq!(would.rows.values().sum::<u64>(), tables + EVENTS as u64);
    let gone = delete(&place, true, &mut |_| {}).await.unwrap_err();
    assert!(matches!(gone, RightsError::NoOrg(_)), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_goes_with_the_organisation_that_is_theirs_alone() {
    let mut filled = Filled::new();
    let (place, theirs) = (filled.place(), filled.theirs());
    let user = ours().to_string();
    let held = open(&filled.folder).unwrap();
    let clock = || Arc::new(SystemClock);
    let in_use = delete_user(&place, &user, true, clock(), &mut |_| {})
        .await
        .unwrap_err();
    assert!(
        matches!(in_use, RightsError::Store(StoreError::InUse { .. })),
        "{in_use}"
    );
    held.close().await.unwrap();
    drop(held);
    let deleted = delete_user(&place, &user, true, clock(), &mut |_| {})
        .await
        .unwrap();
    assert_eq!(
        (deleted.orgs, deleted.users.len()),
        (BTreeSet::from([ours()]), 1)
    );
    assert_eq!(filled.rows_of(OURS), 0);
    assert_eq!(filled.theirs(), theirs);
}

/// The rows of a person in other organisations than their own, and an invitation that counts for
/// two reasons.
fn invite(filled: &mut Filled) {
    let more = filled.a_row("invitations", THEIRS, "of-ours-to-theirs");
    let none = "00000000000000000000000000000000";
    let answer = filled.a_row("idempotency_keys", none, "of-nobody");
    let name = format!("(SELECT name_key FROM user_names WHERE user_id = x'{OURS}')");
    let changes = format!(
        "UPDATE invitations SET email_key = {name}, invited_by = x'{OURS}' WHERE org_id = x'{OURS}';
        {more}; UPDATE invitations SET invited_by = x'{OURS}' WHERE rowid = last_insert_rowid();
        {answer}; UPDATE idempotency_keys SET principal = 'login:' || {name}
            WHERE org_id = x'{none}'"
    );
    filled.c.batch_execute(&changes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_look_counts_is_what_goes() {
    for by_user in [false, true] {
        let mut filled = Filled::new();
        invite(&mut filled);
        let (place, user) = (filled.place(), ours().to_string());
        let mut reports = Vec::new();
        for for_good in [false, true] {
            let clock = Arc::new(SystemClock);
            reports.push(if by_user {
                delete_user(&place, &user, for_good, clock, &mut |_| {}).await
            } else {
                delete(&place, for_good, &mut |_| {}).await
            });
        }
        let [would, did] = &reports[..] else {
            panic!("two reports")
        };
        let (would, did) = (would.as_ref().unwrap(), did.as_ref().unwrap());
        assert_eq!(would, did);
        let counted = ["invitations", "idempotency_keys"].map(|table| did.rows.get(table));
        assert_eq!(counted, [Some(&2), Some(&2)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_leaves_an_earlier_schema_as_it_is() {
    let mut filled = Filled::new();
    let versions = sql::<BigInt>("SELECT count(*) FROM __diesel_schema_migrations");
    let older = "DELETE FROM __diesel_schema_migrations WHERE version =
        (SELECT max(version) FROM __diesel_schema_migrations)";
    filled.c.batch_execute(older).unwrap();
    let before: i64 = versions.clone().get_result(&mut filled.c).unwrap();
    let (place, user) = (filled.place(), ours().to_string());
    let clock = Arc::new(SystemClock);
    let of_org = delete(&place, false, &mut |_| {}).await;
    let of_user = delete_user(&place, &user, false, clock, &mut |_| {}).await;
    for refused in [of_org, of_user] {
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("its schema is at the migration"),
            "{refused}"
        );
    }
    let after: i64 = versions.get_result(&mut filled.c).unwrap();
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_database_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().to_owned());
    for for_good in [false, true] {
        let clock = Arc::new(SystemClock);
        let of_user = delete_user(&place, "ada", for_good, clock, &mut |_| {}).await;
        for missing in [delete(&place, for_good, &mut |_| {}).await, of_user] {
            let missing = missing.unwrap_err();
            assert!(matches!(missing, RightsError::Missing(_)), "{missing}");
        }
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

/// The rows are gone when the file can't be written anew, and nobody knows them any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_was_cut_off_before_its_bytes_were_gone_is_ended_by_the_next() {
    for by_user in [false, true] {
        let mut filled = Filled::new();
        let (place, user) = (filled.place(), ours().to_string());
        let again = async || {
            let clock = Arc::new(SystemClock);
            if by_user {
                delete_user(&place, &user, true, clock, &mut |_| {}).await
            } else {
                delete(&place, true, &mut |_| {}).await
            }
        };
        let reading = "BEGIN; SELECT count(*) FROM orgs";
        filled.c.batch_execute(reading).unwrap();
        let unclean = again().await.unwrap_err();
        assert!(matches!(unclean, RightsError::Unclean(_)), "{unclean}");
        filled.c.batch_execute("ROLLBACK").unwrap();
        assert_eq!(filled.rows_of(OURS), 0);
        assert!(filled.holds("canary-of-ours"));
        let ended = again().await.unwrap_err();
        assert!(matches!(ended, RightsError::Wiped(_)), "{ended}");
        assert!(!filled.holds("canary-of-ours") && filled.holds("of-theirs"));
        let unknown = again().await.unwrap_err();
        let is_unknown = matches!(unknown, RightsError::NoOrg(_) | RightsError::NoUser(_));
        assert!(is_unknown, "{unknown}");
    }
}
