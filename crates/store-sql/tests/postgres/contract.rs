//! The contract suite against PostgreSQL, each case in a database of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, RunId};
use runloom_store::Store;
use runloom_store::contract::{Harness, Hooks};
use runloom_store_sql::open_postgres;

use crate::support::TestDatabase;

struct Postgres(TestDatabase);

#[async_trait]
impl Hooks for Postgres {
    async fn lock_run(&self, org: OrgId, run: RunId) -> Option<Box<dyn Send>> {
        Some(Box::new(self.0.lock_run(org, run).await))
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Option<Arc<dyn Store>> {
        drop(store);
        Some(
            open_postgres(self.0.url())
                .await
                .expect("the database opens"),
        )
    }

    async fn advance(&self, by: Duration) -> bool {
        self.0.move_back(by).await;
        true
    }
}

async fn fresh() -> Harness {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url())
        .await
        .expect("the database opens");
    Harness::new(store, Postgres(database))
}

runloom_store::contract_suite!(fresh);
