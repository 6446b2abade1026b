//! A backup beside the store that writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use runloom_domain::{OrgId, Timestamp};
use runloom_store::{StoreError, ThreadStore};
use runloom_store_sql::{Database, back_up_sqlite};
use tempfile::TempDir;

use crate::file::{open, thread};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_all_that_was_answered_before_and_no_half_of_what_came_while() {
    let (folder, org) = (
        TempDir::new().unwrap(),
        OrgId::generate(Timestamp::from_micros(1)),
    );
    let store = open(&folder).unwrap();
    let first = thread(org);
    store.create_thread(first.clone(), None).await.unwrap();
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            loop {
                store.create_thread(thread(org), None).await.unwrap();
            }
        }
    });
    let restored = TempDir::new().unwrap();
    let to = restored.path().join("runloom.db");
    let from = folder.path().to_owned();
    let backup = to.clone();
    let bytes = tokio::task::spawn_blocking(move || back_up_sqlite(&from, &backup));
    let bytes = bytes.await.unwrap().unwrap();
    writing.abort();
    let metadata = fs::metadata(&to).unwrap();
    assert_eq!(
        (metadata.len(), metadata.permissions().mode() & 0o777),
        (bytes, 0o600)
    );
    assert_eq!(
        fs::read_dir(restored.path()).unwrap().count(),
        1,
        "one file is all of it"
    );
    let copy = open(&restored).unwrap();
    copy.ping().await.unwrap();
    assert!(copy.thread(org, first.thread_id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_backup_takes_no_file_away_and_makes_no_database() {
    let (folder, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let to = place.path().join("backup.db");
    let refused = back_up_sqlite(folder.path(), &to);
    assert!(matches!(refused, Err(StoreError::Unfit(_))), "{refused:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    open(&folder).unwrap().close().await.unwrap();
    fs::write(&to, "a backup of yesterday").unwrap();
    let refused = back_up_sqlite(folder.path(), &to);
    assert!(matches!(refused, Err(StoreError::Unfit(_))), "{refused:?}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "a backup of yesterday");
}

#[tokio::test]
async fn what_a_backup_that_was_cut_off_has_left_is_no_hindrance() {
    let (folder, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    open(&folder).unwrap().close().await.unwrap();
    fs::write(place.path().join("backup.db.unfinished"), "half").unwrap();
    back_up_sqlite(folder.path(), &place.path().join("backup.db")).unwrap();
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_damaged_database_makes_no_backup() {
    let (folder, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = open(&folder).unwrap();
    let path = store.path().to_owned();
    store.close().await.unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[4_096..half].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert!(back_up_sqlite(folder.path(), &place.path().join("backup.db")).is_err());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}
