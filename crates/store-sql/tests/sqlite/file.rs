//! What only SQLite has: the lock, the settings, the file.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::migration::MigrationVersion;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use runloom_domain::{OrgId, SystemClock, ThreadId, Timestamp, UserId};
use runloom_store::{NewThread, Once, StoreError, ThreadStore};
use runloom_store_sql::{Database, SqliteStore, open_sqlite};
use tempfile::TempDir;

use crate::audit::A_RECORD_EACH;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

pub(crate) fn open(folder: &TempDir) -> Result<Arc<SqliteStore>, StoreError> {
    open_sqlite(folder.path(), Arc::new(SystemClock))
}

pub(crate) fn thread(org: OrgId) -> NewThread {
    let now = Timestamp::from_micros(1);
    NewThread {
        org_id: org,
        thread_id: ThreadId::generate(now),
        created_by: UserId::generate(now),
        title: None,
        metadata: None,
        created_at: now,
    }
}

#[tokio::test]
async fn a_second_process_is_told_that_the_folder_is_in_use() {
    let folder = TempDir::new().unwrap();
    let first = open(&folder).unwrap();
    assert!(matches!(open(&folder), Err(StoreError::InUse { .. })));
    drop(first);
    open(&folder).unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn what_was_written_before_closing_is_there_after_opening() {
    let folder = TempDir::new().unwrap();
    let org = OrgId::generate(Timestamp::from_micros(1));
    let new = thread(org);
    let store = open(&folder).unwrap();
    let created = store.create_thread(new.clone(), None).await.unwrap();
    assert_eq!(created, Once::Done(()));
    store.close().await.unwrap();
    let refused = store.create_thread(thread(org), None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    drop(store);
    let store = open(&folder).unwrap();
    let read = store.thread(org, new.thread_id).await.unwrap();
    assert_eq!(read.map(|thread| thread.thread_id), Some(new.thread_id));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = open(&folder).unwrap().path().to_owned();
    let mut later = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    later
        // The store's readers may still be closing the file.
        .batch_execute(
            "PRAGMA busy_timeout = 5000;
             INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')",
        )
        .unwrap();
    assert!(matches!(open(&folder), Err(StoreError::Unfit(_))));
}

#[tokio::test]
async fn a_schema_that_takes_something_away_is_noticed() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).unwrap();
    let mut later = SqliteConnection::establish(store.path().to_str().unwrap()).unwrap();
    later
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')")
        .unwrap();
    store.ping().await.unwrap();
    later
        .batch_execute("UPDATE compatible_from SET migration = '9999'")
        .unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Unfit(_))));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("runloom.db");
    let mut before = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    // The first migration comes upon it after it has made other tables.
    before
        .batch_execute("CREATE TABLE contents (body TEXT)")
        .unwrap();
    assert!(open(&folder).is_err());
    let made = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let tables: Vec<String> = sql::<Text>(made).load(&mut before).unwrap();
    assert_eq!(tables, ["__diesel_schema_migrations", "contents"]);
    before.batch_execute("DROP TABLE contents").unwrap();
    let store = open(&folder).unwrap();
    store.ping().await.unwrap();
    assert_eq!(store.migrated()[0], "0001_run_log");
}

#[test]
fn migrations_go_down_and_up_again() {
    let mut c = SqliteConnection::establish(":memory:").unwrap();
    c.run_pending_migrations(MIGRATIONS).unwrap();
    let made = schema(&mut c);
    c.revert_all_migrations(MIGRATIONS).unwrap();
    assert!(schema(&mut c).len() < 3);
    c.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(schema(&mut c), made);
}

/// What somebody may have put into the audit log before it had checks.
const BEYOND_CHECKS: &str = "
INSERT INTO audit_seals SELECT org_id, 0, x'07', hash, hash FROM orgs JOIN audit_seals USING (org_id);
INSERT INTO audit_pending SELECT org_id, x'07' FROM orgs;";

#[tokio::test]
async fn migrations_go_down_and_up_again_with_rows_in_place() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).unwrap();
    let new = thread(OrgId::generate(Timestamp::from_micros(1)));
    store.create_thread(new.clone(), None).await.unwrap();
    let path = store.path().to_owned();
    store.close().await.unwrap();
    drop(store);
    let mut c = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    c.batch_execute(A_RECORD_EACH).unwrap();
    let made = schema(&mut c);
    while c.revert_last_migration(MIGRATIONS).unwrap() != MigrationVersion::from("0016") {}
    c.batch_execute(BEYOND_CHECKS).unwrap();
    c.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(schema(&mut c), made);
    for table in ["audit_records", "audit_seals", "audit_pending"] {
        let count = sql::<BigInt>(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(count.get_result::<i64>(&mut c), Ok(2), "{table}");
    }
    let steps = c.applied_migrations().unwrap().len() - 1;
    for _ in 0..steps {
        c.revert_last_migration(MIGRATIONS).unwrap();
    }
    c.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(schema(&mut c), made);
    drop(c);
    let store = open(&folder).unwrap();
    let read = store.thread(new.org_id, new.thread_id).await.unwrap();
    assert_eq!(read.map(|thread| thread.thread_id), Some(new.thread_id));
}

fn schema(c: &mut SqliteConnection) -> Vec<String> {
    sql::<Text>("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .load(c)
        .unwrap()
}

#[tokio::test]
async fn a_write_whose_caller_is_gone_happens() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).unwrap();
    let org = OrgId::generate(Timestamp::from_micros(1));
    let new = thread(org);
    let mut write = Box::pin(store.create_thread(new.clone(), None));
    let polled = futures_util::poll!(&mut write);
    assert!(polled.is_pending() || polled.is_ready());
    drop(write);
    // The next write is behind the first, so its answer means that the first is done.
    store.create_thread(thread(org), None).await.unwrap();
    assert!(store.thread(org, new.thread_id).await.unwrap().is_some());
}
