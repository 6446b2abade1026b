//! The schema's history: nodes that start together, migrations that fail, schemas of later versions.

use runloom_store::StoreError;
use runloom_store_sql::{Database, open_postgres};

use crate::support::{self, TestDatabase};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_migrate_once() {
    let database = TestDatabase::create_empty().await;
    let nodes = (0..4).map(|_| open_postgres(database.url()));
    for store in futures_util::future::join_all(nodes).await {
        store.unwrap().ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_down_and_up_again() {
    let database = TestDatabase::create().await;
    let session = database.session().await;
    let made = schema(&session).await;
    for file in support::migrations("down.sql").iter().rev() {
        support::run(&session, file).await;
    }
    assert_eq!(schema(&session).await.len(), 1, "only the history is left");
    for file in support::migrations("up.sql") {
        support::run(&session, &file).await;
    }
    assert_eq!(schema(&session).await, made);
}

/// Every table with its columns, constraints and indexes, as text.
pub(crate) async fn schema(session: &tokio_postgres::Client) -> Vec<String> {
    let query = "SELECT c.table_name || ': ' || string_agg(
            c.column_name || ' ' || c.data_type, ', ' ORDER BY c.ordinal_position)
            || coalesce((SELECT string_agg(indexdef, ', ' ORDER BY indexdef) FROM pg_indexes i
                WHERE i.tablename = c.table_name), '')
            || coalesce((SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname)
                FROM pg_constraint k WHERE k.conrelid = c.table_name::regclass), '')
        FROM information_schema.columns c WHERE c.table_schema = 'public'
        GROUP BY c.table_name ORDER BY c.table_name";
    let rows = session.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let database = TestDatabase::create().await;
    let session = database.session().await;
    support::run(
        &session,
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')",
    )
    .await;
    let refused = open_postgres(database.url()).await;
    assert!(matches!(refused, Err(StoreError::Unfit(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_lives_with_a_newer_schema_until_it_is_contracted() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    let session = database.session().await;
    let later = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
    support::run(&session, later).await;
    store.ping().await.unwrap();
    support::run(&session, "UPDATE compatible_from SET migration = '9999'").await;
    assert!(matches!(store.ping().await, Err(StoreError::Unfit(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let database = TestDatabase::create_empty().await;
    let session = database.session().await;
    // The first migration comes upon it after it has made other tables.
    support::run(&session, "CREATE TABLE contents (body text)").await;
    assert!(open_postgres(database.url()).await.is_err());
    let tables = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables
        WHERE schemaname = 'public'";
    let left: String = session.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(left, "__diesel_schema_migrations contents");
    support::run(&session, "DROP TABLE contents").await;
    let store = open_postgres(database.url()).await.unwrap();
    assert_eq!(store.migrated()[0], "0001_run_log");
    store.ping().await.unwrap();
    let again = open_postgres(database.url()).await.unwrap();
    assert!(again.migrated().is_empty());
}

/// Whoever reads the tables, such as a backup, is waited for; those who come after it are not
/// kept waiting by the migration.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_gives_way_and_comes_again() {
    let database = TestDatabase::create_empty().await;
    let session = database.session().await;
    support::run(&session, &support::migrations("up.sql")[0]).await;
    support::run(
        &session,
        "CREATE TABLE __diesel_schema_migrations (
            version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now());
        INSERT INTO __diesel_schema_migrations (version) VALUES ('0001')",
    )
    .await;
    support::run(&session, "BEGIN; LOCK TABLE run_heads IN ACCESS SHARE MODE").await;
    let url = database.url().to_owned();
    let opening = tokio::spawn(async move { open_postgres(&url).await });
    let other = database.session().await;
    wait_until_blocked(&other).await;
    // Held up by the migration, and let through when it gives way.
    support::run(&other, "SELECT FROM run_heads").await;
    support::run(&session, "COMMIT").await;
    let store = opening.await.unwrap().unwrap();
    assert_eq!(store.migrated()[0], "0002_fair_claims");
}

/// Until a session of the database waits for a lock on a table.
async fn wait_until_blocked(session: &tokio_postgres::Client) {
    let blocked = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !session
        .query_one(blocked, &[])
        .await
        .unwrap()
        .get::<_, bool>(0)
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
