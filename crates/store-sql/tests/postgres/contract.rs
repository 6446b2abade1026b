//! The contract suite against PostgreSQL, each case in a database of its own.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, RunId};
use runloom_store::Store;
use runloom_store::contract::{Harness, Hooks};
use runloom_store_sql::{PostgresStore, open_postgres};

use crate::support::TestDatabase;

/// The store is the harness's, which opens it again when it is the only one that has it.
struct Postgres(TestDatabase, Weak<PostgresStore>);

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

    /// The store can't be mistaken without the feature.
    #[cfg(feature = "failpoints")]
    fn mistake(&self, org: Option<OrgId>) -> bool {
        let store = self.1.upgrade().expect("the store is open");
        store.mistake_scopes(org);
        true
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
    let hooks = Postgres(database, Arc::downgrade(&store));
    Harness::new(store, hooks)
}

runloom_store::contract_suite!(fresh);
