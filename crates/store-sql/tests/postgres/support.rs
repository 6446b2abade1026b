//! A PostgreSQL database for one test, cloned from a migrated template.

use std::time::Duration;

use runloom_domain::{OrgId, RunId};
use runloom_store_sql::testing::{postgres_database, postgres_migrations, postgres_template};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// A database of its own, dropped with the value.
pub(crate) struct TestDatabase {
    url: String,
    name: String,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        let template = postgres_template(&admin_url())
            .await
            .expect("a database can be migrated");
        Self::clone_of(&template).await
    }

    /// A database without a schema.
    pub(crate) async fn create_empty() -> Self {
        Self::clone_of("template0").await
    }

    async fn clone_of(template: &str) -> Self {
        let name = format!("runloom_{}", Uuid::now_v7().simple());
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        run(&connect(&admin_url()).await, &create).await;
        let url = postgres_database(&admin_url(), &name);
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

/// The texts of all migrations, in their order.
pub(crate) fn migrations(file: &str) -> Vec<String> {
    postgres_migrations(file).expect("the migrations are read")
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
