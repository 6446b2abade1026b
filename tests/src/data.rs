mod held;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use runloom_store_sql::testing::{
    Fill, Pattern, fill_postgres, fill_sqlite, postgres_database, postgres_template,
};
use tempfile::TempDir;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// Which database a server runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// SQLite, inside the server.
    Sqlite,
    /// PostgreSQL, a fresh database of the one that `RUNLOOM_TEST_POSTGRES_URL` names.
    Postgres,
}

/// Data of one test: a folder, and a database where one is needed. Both go with it.
#[derive(Debug)]
pub struct Data {
    folder: TempDir,
    database: Option<Database>,
}

/// What a fresh PostgreSQL database has.
#[derive(Clone, Copy, Debug)]
enum Schema {
    None,
    Migrated,
}

#[derive(Debug)]
struct Database {
    admin_url: String,
    name: String,
}

impl Data {
    /// Data of a server that hasn't been started yet. On PostgreSQL the schema is there already,
    /// as if `cargo xtask migrate` had been run before; see [`Self::empty`].
    pub async fn fresh(store: Store) -> Self {
        Self::with(store, Schema::Migrated).await
    }

    /// The same without a schema, for whoever makes one.
    pub async fn empty(store: Store) -> Self {
        Self::with(store, Schema::None).await
    }

    async fn with(store: Store, schema: Schema) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("runloom-test-")
            .tempdir()
            .expect("a temporary folder can be made");
        let database = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(Database::create(schema).await),
        };
        Self { folder, database }
    }

    /// A folder that nothing else uses; the server's data folder is in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the tools `effect_once` and `effect_keyed` did so far on all nodes: the key of each
    /// effect, as often as it happened.
    pub fn effects(&self) -> Vec<String> {
        let folders = std::fs::read_dir(self.folder()).expect("the folder is there");
        let ledgers = folders.map(|entry| entry.expect("an entry").path().join("effects"));
        let texts = ledgers.filter_map(|ledger| std::fs::read_to_string(ledger).ok());
        let mut all = Vec::new();
        for text in texts {
            all.extend(text.lines().map(str::to_owned));
        }
        all
    }

    /// The URL of the PostgreSQL database.
    pub fn database_url(&self) -> Option<String> {
        self.database.as_ref().map(Database::url)
    }

    /// Makes runs and idempotency keys older, as if so many days had passed.
    pub async fn age(&self, days: u32) {
        if self.database.is_none() {
            return age_sqlite(&self.folder().join("data/runloom.db"), days);
        }
        let by = format!("interval '{days} days'");
        let sql = format!(
            "UPDATE runs SET created_at = created_at - {by}, ended_at = ended_at - {by};
            UPDATE idempotency_keys SET created_at = created_at - {by}"
        );
        let changed = self.session().await.batch_execute(&sql).await;
        changed.expect("rows change");
    }

    /// Gives a person another role in their organisation.
    pub async fn set_role(&self, login: &str, role: &str) {
        self.change(&format!(
            "UPDATE memberships SET role = '{role}'
            WHERE user_id = (SELECT user_id FROM users WHERE login = '{login}')"
        ))
        .await;
    }

    /// Runs statements as whoever owns the tables.
    pub async fn change(&self, sql: &str) {
        if self.database.is_none() {
            let lines = format!("c.executescript(\"\"\"{sql}\"\"\")\nc.commit()\n");
            on_sqlite(&self.folder().join("data/runloom.db"), &lines);
            return;
        }
        let changed = self.session().await.batch_execute(sql).await;
        changed.expect("the statements are run");
    }

    /// How many runs the database has that haven't ended, of all organisations.
    pub async fn live_runs(&self) -> u64 {
        let sql = "SELECT count(*) FROM run_heads
            WHERE status NOT IN ('completed', 'failed', 'cancelled')";
        if self.database.is_none() {
            return count_sqlite(&self.folder().join("data/runloom.db"), sql);
        }
        let row = self.session().await.query_one(sql, &[]).await;
        let count: i64 = row.expect("rows can be counted").get(0);
        count.unsigned_abs()
    }

    /// The tables that the log is in on PostgreSQL.
    pub async fn log_parts(&self) -> Vec<String> {
        let sql = "SELECT inhrelid::regclass::text FROM pg_inherits
            WHERE inhparent = 'events'::regclass ORDER BY 1";
        let rows = self.session().await.query(sql, &[]).await;
        let rows = rows.expect("tables can be listed");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Adds rows like those of a run, named by its organisation, its thread and itself. No server
    /// may use the data meanwhile.
    pub async fn fill(&self, (org, thread, run): (&str, &str, &str), fill: Fill) {
        let id = "an id of the API";
        let pattern = Pattern {
            org_id: org.parse().expect(id),
            thread_id: thread.parse().expect(id),
            run_id: run.parse().expect(id),
        };
        let filled = match self.database_url() {
            Some(url) => fill_postgres(&url, pattern, fill).await,
            None => fill_sqlite(&self.folder().join("data"), pattern, fill),
        };
        filled.expect("the database takes the rows");
    }

    /// How many rows of each table PostgreSQL has read since [`Self::forget_reads`], by sessions
    /// that have ended.
    pub async fn reads(&self) -> BTreeMap<String, i64> {
        let client = self.session().await;
        let asked = "SELECT relname::text, seq_tup_read + coalesce(idx_tup_fetch, 0) \
            FROM pg_stat_user_tables";
        let rows = client.query(asked, &[]).await;
        let rows = rows.expect("the database counts what it reads");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Lets PostgreSQL count reads from zero.
    pub async fn forget_reads(&self) {
        let reset = self
            .session()
            .await
            .batch_execute("SELECT pg_stat_reset()")
            .await;
        reset.expect("the tests may do so");
    }

    /// A session of the PostgreSQL database, for what the API doesn't offer.
    pub async fn session(&self) -> tokio_postgres::Client {
        let url = self.database_url().expect("the test has a database");
        let (client, connection) = tokio_postgres::connect(&url, NoTls)
            .await
            .expect("the database answers");
        tokio::spawn(connection);
        client
    }

    /// How many sessions of that name the PostgreSQL database has.
    pub async fn sessions(&self, application: &str) -> u64 {
        self.for_sessions("true", application).await
    }

    /// Ends the sessions of that name, and says how many.
    pub async fn end_sessions(&self, application: &str) -> u64 {
        self.for_sessions("pg_terminate_backend(pid)", application)
            .await
    }

    async fn for_sessions(&self, what: &str, application: &str) -> u64 {
        let database = self.database.as_ref().expect("the test has a database");
        let sql = format!(
            "SELECT {what} FROM pg_stat_activity WHERE datname = $1 AND application_name = $2"
        );
        let (client, connection) = tokio_postgres::connect(&database.admin_url, NoTls)
            .await
            .expect("the database answers");
        tokio::spawn(connection);
        let rows = client.execute(&sql, &[&database.name, &application]).await;
        rows.expect("sessions can be listed")
    }
}

impl Database {
    async fn create(schema: Schema) -> Self {
        let admin_url = std::env::var("RUNLOOM_TEST_POSTGRES_URL")
            .expect("RUNLOOM_TEST_POSTGRES_URL names no PostgreSQL; `cargo xtask test` starts one");
        let template = match schema {
            Schema::None => "template1".to_owned(),
            Schema::Migrated => postgres_template(&admin_url)
                .await
                .expect("a database can be migrated"),
        };
        let name = format!("runloom_test_{}", Uuid::now_v7().simple());
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        let created = statement(&admin_url, &create).await;
        created.expect("the tests may create databases");
        Self { admin_url, name }
    }

    /// The admin's URL with another database.
    fn url(&self) -> String {
        postgres_database(&self.admin_url, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let url = self.admin_url.clone();
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The test's own runtime may be about to end, so this takes one of its own. A database
        // that stays behind is harmless: the name is never used again.
        let dropper = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map(|runtime| runtime.block_on(statement(&url, &drop)))
        });
        let _ = dropper.join();
    }
}

/// Python brings an SQLite, which may write beside the server's.
fn age_sqlite(file: &Path, days: u32) {
    let by = u64::from(days) * 24 * 60 * 60 * 1_000_000;
    let program = format!(
        "c.execute('UPDATE runs SET created_at = created_at - {by}, ended_at = ended_at - {by}')\n\
         c.execute('UPDATE idempotency_keys SET created_at = created_at - {by}')\n\
         c.commit()\n"
    );
    on_sqlite(file, &program);
}

fn count_sqlite(file: &Path, sql: &str) -> u64 {
    let counted = on_sqlite(
        file,
        &format!("print(c.execute(\"\"\"{sql}\"\"\").fetchone()[0])"),
    );
    counted.trim().parse().expect("a count")
}

/// Runs lines of Python with the database as `c`; returns what they print.
fn on_sqlite(file: &Path, lines: &str) -> String {
    let program =
        format!("import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], timeout=20)\n{lines}");
    let output = Command::new("python3")
        .arg("-c")
        .arg(program)
        .arg(file)
        .output()
        .expect("there is a Python");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

async fn statement(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    let outcome = client.batch_execute(sql).await;
    drop(client);
    let _ = driver.await;
    outcome
}
