//! The wall between organisations in the database itself, whatever the statements say.

use std::time::Duration;

use runloom_store::{AccountStore, Housekeeping, Page, RunStore, ThreadStore};
use runloom_store_sql::{Database, open_postgres};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::sample::running;
use crate::support::{self, TestDatabase};

/// Tables whose rows are an organisation's or a person's, without partitions.
pub(crate) const WALLED: &str = "
SELECT DISTINCT c.relname::text FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('org_id', 'user_id')
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1";

/// Of those, the ones without a whole wall.
const OPEN: &str = "
SELECT c.relname::text FROM pg_class c
WHERE c.relname = ANY ($1) AND c.relnamespace = 'public'::regnamespace
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity
        AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'wall'))";

/// Partitions that somebody but their owner may read by their own name.
const OPEN_PARTS: &str = "
SELECT c.relname::text FROM pg_class c
WHERE c.relispartition AND c.relkind = 'r' AND (NOT c.relrowsecurity
    OR has_table_privilege('runloom_tenant', c.oid, 'SELECT, INSERT, UPDATE, DELETE'))";

pub(crate) async fn names(session: &Client, query: &str) -> Vec<String> {
    let rows = session.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn number(session: &Client, query: &str) -> i64 {
    session.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_behind_the_wall() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    let session = database.session().await;
    let rest = "INSERT INTO events (org_id, run_id, seq, type, data, created_at)
        VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000000', 1, 't', '', now())";
    support::run(&session, rest).await;
    // A part of what was there, and then the months to come.
    let tended = store.tend_log(0).await.unwrap();
    assert!(tended.made > 1, "{tended:?}");

    let walled = names(&session, WALLED).await;
    assert!(walled.len() > 25, "{walled:?}");
    let open = session.query(OPEN, &[&walled]).await.unwrap();
    let open: Vec<String> = open.iter().map(|row| row.get(0)).collect();
    assert!(open.is_empty(), "no row-level security on {open:?}");
    let open = names(&session, OPEN_PARTS).await;
    assert!(
        open.is_empty(),
        "{open:?} can be reached by their own names"
    );

    support::run(&session, "SET ROLE runloom_tenant").await;
    for statement in [
        "ALTER TABLE runs DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE runs NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY wall ON runs",
        "ALTER POLICY wall ON runs USING (true)",
        "CREATE POLICY mine ON runs USING (true)",
        "SET row_security = off; SELECT FROM runs",
    ] {
        let outcome = session.batch_execute(statement).await;
        let code = outcome.expect_err(statement).code().cloned();
        assert_eq!(code, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{statement}");
    }
}

/// Takes away what a row that is made up would not fit.
pub(crate) const ANYTHING_GOES: &str = "
SET session_replication_role = replica;
DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
        WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND coninhcount = 0
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.of, c.conname); END LOOP;
END $$";

/// The statement that puts a row of the organisation `$1` into the table `$2`.
const A_ROW: &str = "
SELECT format('INSERT INTO %I (%s) VALUES (%s)', $2::text, string_agg(quote_ident(attname), ', '),
    string_agg(CASE WHEN attname = 'org_id' THEN quote_literal($1::text)
        WHEN atttypid = 'uuid'::regtype THEN 'gen_random_uuid()'
        WHEN atttypid = 'bytea'::regtype THEN 'decode(md5(random()::text), ''hex'')'
        WHEN atttypid = 'text'::regtype THEN 'md5(random()::text)'
        WHEN atttypid = 'timestamptz'::regtype THEN 'now()'
        WHEN atttypid = 'bool'::regtype THEN 'false' ELSE '1' END, ', '))
FROM pg_attribute WHERE attrelid = to_regclass($2) AND attnum > 0 AND NOT attisdropped";

/// Those that the API's role may read, and whether their rows are an organisation's: others are a
/// person's, also where they name an organisation.
const READABLE: &str = "
SELECT c.relname::text, EXISTS (SELECT FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attname = 'org_id')
    AND c.relname NOT IN ('sessions', 'password_resets')
FROM pg_class c
WHERE c.relname = ANY ($1) AND c.relnamespace = 'public'::regnamespace
    AND has_table_privilege('runloom_tenant', c.oid, 'SELECT')";

pub(crate) const OURS: &str = "00000000-0000-4000-8000-000000000001";
pub(crate) const THEIRS: &str = "00000000-0000-4000-8000-000000000002";

pub(crate) async fn a_row(session: &Client, org: &str, table: &str) -> String {
    session
        .query_one(A_ROW, &[&org, &table])
        .await
        .unwrap()
        .get(0)
}

/// A session of the API's role in a transaction of an organisation.
async fn scoped(session: &Client, org: &str) {
    let begin = format!("BEGIN; SET LOCAL ROLE runloom_tenant; SET LOCAL runloom.org_id = '{org}'");
    support::run(session, &begin).await;
}

/// Each table has a row of either organisation; none of the statements says which it means.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_only_its_organisation_in_every_table() {
    let database = TestDatabase::create().await;
    open_postgres(database.url()).await.unwrap();
    let session = database.session().await;
    support::run(&session, ANYTHING_GOES).await;
    let walled = names(&session, WALLED).await;
    for table in &walled {
        for org in [OURS, THEIRS] {
            support::run(&session, &a_row(&session, org, table).await).await;
        }
    }
    let readable = session.query(READABLE, &[&walled]).await.unwrap();
    assert!(readable.len() > 25);
    for row in readable {
        let (table, of_org): (String, bool) = (row.get(0), row.get(1));
        let all = format!("SELECT count(*) FROM {table}");
        assert!(number(&session, &all).await >= 2, "{table}");
        scoped(&session, OURS).await;
        assert_eq!(number(&session, &all).await, i64::from(of_org), "{table}");
        support::run(&session, "SET LOCAL runloom.org_id = ''").await;
        assert_eq!(number(&session, &all).await, 0, "{table}");
        support::run(&session, "ROLLBACK; BEGIN; SET LOCAL ROLE runloom_tenant").await;
        assert_eq!(number(&session, &all).await, 0, "{table}");
        support::run(&session, "ROLLBACK").await;
        if of_org {
            cannot_write(&session, &table).await;
        }
    }
}

/// A list of organisations shows their names, and nothing else of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_the_organisations_that_they_have_joined() {
    let database = TestDatabase::create().await;
    open_postgres(database.url()).await.unwrap();
    let session = database.session().await;
    support::run(&session, ANYTHING_GOES).await;
    for org in [OURS, THEIRS, "00000000-0000-4000-8000-000000000003"] {
        for table in ["orgs", "threads", "memberships"] {
            support::run(&session, &a_row(&session, org, table).await).await;
        }
    }
    let joined = format!(
        "UPDATE memberships SET user_id = '{OURS}' WHERE org_id IN ('{OURS}', '{THEIRS}');
        BEGIN; SET LOCAL ROLE runloom_tenant; SET LOCAL runloom.user_id = '{OURS}';
        SET LOCAL runloom.joined = '{{{OURS},{THEIRS}}}'"
    );
    support::run(&session, &joined).await;
    for (table, rows) in [("memberships", 2), ("orgs", 2), ("threads", 0)] {
        let all = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(&session, &all).await, rows, "{table}");
    }
    let renamed = session.execute("UPDATE orgs SET name = 'mine'", &[]).await;
    assert_eq!(renamed.unwrap(), 0);
}

/// What the role may do with the table's rows it can't do with those of another organisation.
async fn cannot_write(session: &Client, table: &str) {
    let theirs = a_row(session, THEIRS, table).await;
    let statements = [
        (format!("UPDATE {table} SET org_id = '{OURS}'"), Some(1)),
        (format!("UPDATE {table} SET org_id = '{THEIRS}'"), None),
        (format!("DELETE FROM {table}"), Some(1)),
        (theirs, None),
    ];
    for (statement, own_rows) in statements {
        scoped(session, OURS).await;
        let outcome = session.execute(&statement, &[]).await;
        support::run(session, "ROLLBACK").await;
        match outcome {
            Ok(rows) => assert_eq!(Some(rows), own_rows, "{statement}"),
            // By the wall, or since the role has no such right at all.
            Err(error) => {
                let code = error.code().cloned();
                assert_eq!(code, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{statement}");
            }
        }
    }
}

/// Sessions of the server that are in a transaction, in which alone a scope can be.
const IN_TRANSACTION: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'runloom' AND state <> 'idle'";

/// Reads that nobody waits for any more end with their transactions, and their connections serve
/// others.
#[tokio::test(flavor = "multi_thread")]
async fn no_scope_stays_on_a_session() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    let (ours, theirs) = (running(&*store).await, running(&*store).await);
    let session = database.session().await;
    support::run(&session, "BEGIN; LOCK TABLE runs").await;
    for _ in 0..8 {
        let reading = store.run(ours.0, ours.1);
        let short = Duration::from_millis(50);
        assert!(tokio::time::timeout(short, reading).await.is_err());
    }
    assert_eq!(number(&database.session().await, IN_TRANSACTION).await, 1);
    support::run(&session, "COMMIT").await;
    for (org, run) in [ours, theirs] {
        assert!(store.run(org, run).await.unwrap().is_some());
    }
    assert_eq!(store.run(theirs.0, ours.1).await.unwrap(), None);
    for _ in 0..500 {
        if number(&session, IN_TRANSACTION).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a session stays in its transaction");
}

const OF_BEFORE: &str = "
INSERT INTO orgs VALUES ('00000000-0000-4000-8000-000000000001', 'o', now());
INSERT INTO users VALUES ('00000000-0000-4000-8000-00000000000a', 'Ada', 'a@b.c', 'h', now());
INSERT INTO user_names VALUES ('ada', '00000000-0000-4000-8000-00000000000a');
INSERT INTO memberships SELECT org_id, user_id, 'owner', now() FROM orgs, users;
INSERT INTO api_keys (org_id, api_key_id, user_id, name, public_id, secret_hash, scopes, created_at)
    SELECT org_id, gen_random_uuid(), user_id, 'k', 'public', decode(repeat('00', 32), 'hex'), '[]',
    now() FROM orgs, users;
INSERT INTO threads (org_id, thread_id, created_by, created_at)
    SELECT org_id, gen_random_uuid(), user_id, now() FROM orgs, users";

/// A database that was there before the wall keeps what it has.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_is_found_behind_the_wall() {
    let database = TestDatabase::create_empty().await;
    let session = database.session().await;
    support::run(
        &session,
        "CREATE TABLE __diesel_schema_migrations (
            version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now())",
    )
    .await;
    for (number, file) in (1..).zip(support::migrations("up.sql")).take(10) {
        support::run(&session, &file).await;
        let note =
            format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{number:04}')");
        support::run(&session, &note).await;
    }
    support::run(&session, OF_BEFORE).await;
    let store = open_postgres(database.url()).await.unwrap();
    assert!(store.migrated().iter().any(|name| name.starts_with("0013")));
    let found = store.find_login("ADA").await.unwrap().expect("a person");
    let (org, user) = (found.org_id.unwrap(), found.user_id);
    assert_eq!(org.to_string(), OURS);
    assert!(store.user(org, user).await.unwrap().is_some());
    let key = store.find_api_key("public").await.unwrap().expect("a key");
    assert_eq!(key.owner.org_id, org);
    let page = Page {
        limit: 9,
        before: None,
    };
    assert_eq!(store.threads(org, page).await.unwrap().items.len(), 1);
    assert!(store.has_accounts().await.unwrap());
}
