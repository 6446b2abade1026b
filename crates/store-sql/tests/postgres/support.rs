//! A PostgreSQL database for one test, cloned from a migrated template.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Duration;

use runloom_domain::{OrgId, RunId};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Tests that make the template at the same time do it one after the other.
const TEMPLATE_LOCK: &str = "SELECT pg_advisory_lock(7021799)";

/// A database of its own, dropped with the value.
pub(crate) struct TestDatabase {
    url: String,
    name: String,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        let admin = connect(&admin_url()).await;
        let template = template(&admin).await;
        Self::clone_of(&admin, &template).await
    }

    /// A database without a schema.
    pub(crate) async fn create_empty() -> Self {
        Self::clone_of(&connect(&admin_url()).await, "template0").await
    }

    async fn clone_of(admin: &Client, template: &str) -> Self {
        let name = format!("runloom_{}", Uuid::now_v7().simple());
        run(
            admin,
            &format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await;
        let url = url_of(&name);
        Self { url, name }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A session of its own.
    pub(crate) async fn session(&self) -> Client {
        connect(&self.url).await
    }

    /// Holds a run's row until the session is dropped.
    pub(crate) async fn lock_run(&self, org: OrgId, run_id: RunId) -> Client {
        let session = self.session().await;
        run(&session, "BEGIN").await;
        let lock = format!(
            "SELECT 1 FROM run_heads WHERE org_id = '{org}' AND run_id = '{run_id}' FOR UPDATE"
        );
        run(&session, &lock).await;
        session
    }

    /// Moves everything that has a time back, which is as if time had passed.
    pub(crate) async fn move_back(&self, by: Duration) {
        let by = format!("interval '1 microsecond' * {}", by.as_micros());
        let session = self.session().await;
        run(
            &session,
            &format!(
                "UPDATE nodes SET lease_until = lease_until - {by};
                 UPDATE run_heads SET wake_at = wake_at - {by};
                 UPDATE runs SET created_at = created_at - {by}, ended_at = ended_at - {by};
                 UPDATE idempotency_keys SET created_at = created_at - {by};"
            ),
        )
        .await;
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own, since the test's runtime can't be waited for here.
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime is made");
            runtime.block_on(async { run(&connect(&admin_url()).await, &statement).await });
        });
        // A database that is left behind harms nobody; the test's own failure matters more.
        let _ = dropping.join();
    }
}

fn admin_url() -> String {
    std::env::var("RUNLOOM_TEST_POSTGRES_URL")
        .expect("RUNLOOM_TEST_POSTGRES_URL names no PostgreSQL; `cargo xtask test` starts one")
}

/// The admin's URL with another database.
fn url_of(database: &str) -> String {
    let admin = admin_url();
    let (path, parameters) = admin.split_once('?').unwrap_or((&admin, ""));
    let (server, _) = path.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{database}?{parameters}")
}

/// The template of today's migrations, made when it isn't there.
async fn template(admin: &Client) -> String {
    let name = format!("runloom_template_{:x}", migrations_hash());
    run(admin, TEMPLATE_LOCK).await;
    let found = admin
        .query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
        .await
        .expect("the databases are listed");
    if found.is_empty() {
        let unfinished = format!("{name}_new");
        run(
            admin,
            &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
        )
        .await;
        run(admin, &format!("CREATE DATABASE {unfinished}")).await;
        runloom_store_sql::migrate(&url_of(&unfinished))
            .await
            .expect("the template is migrated");
        // A session that is just ending would be in the way.
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'"
        );
        run(admin, &end).await;
        run(
            admin,
            &format!("ALTER DATABASE {unfinished} RENAME TO {name}"),
        )
        .await;
    }
    run(admin, "SELECT pg_advisory_unlock_all()").await;
    name
}

fn migrations_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    migrations("up.sql").hash(&mut hasher);
    hasher.finish()
}

/// The texts of all migrations, in their order.
pub(crate) fn migrations(file: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the migrations are listed")
        .map(|entry| entry.expect("a migration is listed").path().join(file))
        .collect();
    files.sort();
    let read = |file| fs::read_to_string(file).expect("a migration is read");
    files.iter().map(read).collect()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("the test's PostgreSQL answers");
    tokio::spawn(connection);
    client
}

pub(crate) async fn run(session: &Client, statement: &str) {
    if let Err(error) = session.batch_execute(statement).await {
        panic!("{statement}: {error:?}");
    }
}
