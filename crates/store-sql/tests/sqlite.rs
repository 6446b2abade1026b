//! What only SQLite has: the lock, the settings, the file.

use std::sync::Arc;

use runloom_domain::{OrgId, SystemClock, ThreadId, Timestamp, UserId};
use runloom_store::{NewThread, Once, StoreError, ThreadStore};
use runloom_store_sql::{Database, SqliteStore, open_sqlite};
use tempfile::TempDir;

fn open(folder: &TempDir) -> Result<Arc<SqliteStore>, StoreError> {
    open_sqlite(folder.path(), Arc::new(SystemClock))
}

fn thread(org: OrgId) -> NewThread {
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
