//! The contract suite against SQLite in a folder of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{ManualClock, Timestamp};
use runloom_store::Store;
use runloom_store::contract::{Harness, Hooks};
use runloom_store_sql::open_sqlite;
use tempfile::TempDir;

struct Sqlite {
    folder: TempDir,
    clock: Arc<ManualClock>,
}

impl Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        open_sqlite(self.folder.path(), self.clock.clone()).expect("the database opens")
    }
}

#[async_trait]
impl Hooks for Sqlite {
    async fn reopen(&self, store: Arc<dyn Store>) -> Option<Arc<dyn Store>> {
        drop(store);
        Some(self.open())
    }

    async fn advance(&self, by: Duration) -> bool {
        self.clock.advance(by);
        true
    }

    fn is_for_one_node(&self) -> bool {
        true
    }
}

async fn fresh() -> Harness {
    let sqlite = Sqlite {
        folder: TempDir::new().expect("a folder is made"),
        clock: Arc::new(ManualClock::new(Timestamp::from_micros(
            1_767_225_600_000_000,
        ))),
    };
    Harness::new(sqlite.open(), sqlite)
}

runloom_store::contract_suite!(fresh);
