//! The copy of a SQLite database into PostgreSQL: what it refuses, what it finds, and what an
//! unfinished one leaves. Servers on both sides of a copy are in the tests from the outside.

use std::path::Path;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use runloom_domain::{Clock as _, SystemClock};
use runloom_store::{RunStore as _, StoreError, ThreadStore as _};
use runloom_store_sql::{
    CopyError, CopyProgress, CopyStep, Database as _, SqliteStore, copy_to_postgres, open_postgres,
    open_sqlite,
};
use tempfile::TempDir;

use crate::sample::{change, new_thread, running};
use crate::support::{TestDatabase, run};

/// More than one batch.
const EVENTS: usize = 1_200;

/// A folder with a run that its node owns.
pub(crate) async fn source() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let run = running(&*store).await;
    for _ in 0..EVENTS / 100 {
        let changes = (0..100).map(|_| change(run)).collect();
        store.append(changes).await.unwrap();
    }
    store.close().await.unwrap();
    folder
}

fn open(folder: &Path) -> Arc<SqliteStore> {
    open_sqlite(folder, Arc::new(SystemClock)).unwrap()
}

async fn copy(
    folder: &TempDir,
    target: &TestDatabase,
    progress: impl FnMut(CopyProgress) + Send,
) -> Result<Vec<(&'static str, u64)>, CopyError> {
    copy_to_postgres(folder.path(), target.url(), Arc::new(SystemClock), progress).await
}

fn rows_of(counts: &[(&'static str, u64)], table: &str) -> u64 {
    let (_, rows) = counts.iter().find(|(name, _)| *name == table).unwrap();
    *rows
}

async fn tables(sql: &str, target: &TestDatabase) -> Vec<String> {
    let rows = target.session().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Partitions are of the table that they are a part of.
const TABLES: &str = "
SELECT relname::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
  AND NOT relispartition
  AND relname NOT IN ('nodes', 'compatible_from', '__diesel_schema_migrations')
ORDER BY relname";

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_copied_and_owned_runs_are_free() {
    let (folder, target) = (source().await, TestDatabase::create_empty().await);
    let mut seen = Vec::new();
    let counts = copy(&folder, &target, |progress| seen.push(progress))
        .await
        .unwrap();
    let mut copied: Vec<&str> = counts.iter().map(|(table, _)| *table).collect();
    copied.sort_unstable();
    assert_eq!(copied, tables(TABLES, &target).await);
    assert_eq!(rows_of(&counts, "events"), EVENTS as u64 + 1);
    assert!(
        seen.iter()
            .any(|p| p.table == "events" && !p.done && p.rows < EVENTS as u64)
    );
    for step in [CopyStep::Copying, CopyStep::Checking] {
        let all = CopyProgress {
            table: "events",
            step,
            rows: EVENTS as u64 + 1,
            done: true,
        };
        assert!(seen.contains(&all));
    }
    let free = "SELECT lost FROM run_heads WHERE owner_node IS NULL AND wake_at <= now()";
    assert_eq!(tables(free, &target).await, ["lease_expired"]);
    // The source is as good as before, and the target a database like any other.
    open(folder.path()).close().await.unwrap();
    open_postgres(target.url())
        .await
        .unwrap()
        .ping()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_in_use_is_refused_and_left_alone() {
    let (folder, target) = (source().await, TestDatabase::create().await);
    let store = open_postgres(target.url()).await.unwrap();
    let (org, run) = running(&*store).await;
    let error = copy(&folder, &target, |_| {}).await.unwrap_err();
    assert!(
        matches!(&error, CopyError::NotEmpty(table) if table == "threads"),
        "{error}"
    );
    assert_eq!(store.head(org, run).await.unwrap().unwrap().last_seq, 1);
    open_postgres(target.url()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_in_use_and_one_that_is_not_there_are_refused() {
    let (folder, target) = (source().await, TestDatabase::create_empty().await);
    let store = open(folder.path());
    let error = copy(&folder, &target, |_| {}).await.unwrap_err();
    assert!(
        matches!(error, CopyError::Store(StoreError::InUse { .. })),
        "{error}"
    );
    drop(store);
    let nothing = tempfile::tempdir().unwrap();
    let error = copy(&nothing, &target, |_| {}).await.unwrap_err();
    assert!(matches!(error, CopyError::Missing(_)), "{error}");
    assert_eq!(std::fs::read_dir(nothing.path()).unwrap().count(), 0);
}

/// Copies until the first rows of `table` have been `step`ped, and then no further.
async fn cut_off(folder: &TempDir, target: &TestDatabase, table: &'static str, step: CopyStep) {
    let (reached, mut here) = tokio::sync::mpsc::unbounded_channel();
    let copying = copy(folder, target, move |progress| {
        if (progress.table, progress.step) == (table, step) {
            // Nobody listens any more once the copy is to end.
            let _ = reached.send(());
        }
    });
    tokio::select! {
        _ = here.recv() => {}
        copied = copying => panic!("it came to its end: {copied:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_starts_on_half_a_copy_and_doing_it_again_begins_anew() {
    let (folder, target) = (source().await, TestDatabase::create_empty().await);
    let steps = [
        ("events", CopyStep::Copying),
        ("events", CopyStep::Checking),
    ];
    for (table, step) in steps {
        cut_off(&folder, &target, table, step).await;
        let refused = open_postgres(target.url())
            .await
            .err()
            .expect("it is half a copy");
        let StoreError::Unfit(reason) = refused else {
            panic!("{refused:?}")
        };
        assert!(reason.contains("do the copy again"), "{reason}");
    }
    let counts = copy(&folder, &target, |_| {}).await.unwrap();
    assert_eq!(rows_of(&counts, "events"), EVENTS as u64 + 1);
    open_postgres(target.url()).await.unwrap();
}

/// Copies, changes the copy before it is compared, and returns what the comparison says.
async fn difference(change: &'static str) -> String {
    let (folder, target) = (source().await, TestDatabase::create_empty().await);
    let session = target.session().await;
    let runtime = tokio::runtime::Handle::current();
    let mut change = Some(change);
    let outcome = copy(&folder, &target, |progress| {
        if progress.step == CopyStep::Checking
            && let Some(change) = change.take()
        {
            tokio::task::block_in_place(|| runtime.block_on(run(&session, change)));
        }
    });
    let error = outcome.await.unwrap_err();
    assert!(
        open_postgres(target.url()).await.is_err(),
        "no server starts on it"
    );
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_difference_is_found_and_named() {
    let changed = difference("UPDATE events SET data = '{} ' WHERE seq = 700").await;
    assert!(
        changed.starts_with("events is not the same in both: data of the row org_id "),
        "{changed}"
    );
    assert!(changed.ends_with(", seq 700"), "{changed}");
    let null = difference("UPDATE events SET private = '' WHERE seq = 1").await;
    assert!(null.contains("both: private of the row"), "{null}");
    let gone = difference("DELETE FROM events WHERE seq = 700").await;
    assert!(gone.contains("seq 700 where PostgreSQL has "), "{gone}");
    let last = difference("DELETE FROM events WHERE seq = 1201").await;
    assert!(last.contains("PostgreSQL ends before the row "), "{last}");
    let more = difference(
        "INSERT INTO events SELECT org_id, run_id, 9000, n, type, data, private, created_at \
         FROM events WHERE seq = 1",
    );
    let more = more.await;
    assert!(more.contains("seq 9000 in addition"), "{more}");
    let node = difference("INSERT INTO nodes VALUES (gen_random_uuid(), now())").await;
    assert!(node.contains("rows in nodes"), "{node}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postgresql_can_not_hold_is_named_with_its_row() {
    let (folder, target) = (source().await, TestDatabase::create_empty().await);
    let store = open(folder.path());
    let org = runloom_domain::OrgId::generate(SystemClock.now());
    let thread = new_thread(org);
    let key = format!("org_id {org}, thread_id {}", thread.thread_id);
    store.create_thread(thread, None).await.unwrap();
    let path = store.path().to_owned();
    store.close().await.unwrap();
    drop(store);
    let mut direct = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let org = org.as_uuid().simple();
    let spoil = format!("UPDATE threads SET title = 'a' || char(0) WHERE org_id = x'{org}'");
    direct.batch_execute(&spoil).unwrap();
    drop(direct);
    let error = copy(&folder, &target, |_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("threads.title of the row {key} ")),
        "{error}"
    );
    assert!(error.contains("U+0000"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_one_side_alone_is_not_left_behind() {
    let (folder, target) = (source().await, TestDatabase::create().await);
    let session = target.session().await;
    run(&session, "ALTER TABLE messages ADD COLUMN more text").await;
    let error = copy(&folder, &target, |_| {})
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the schemas differ: messages has no column more in SQLite"
    );
}
