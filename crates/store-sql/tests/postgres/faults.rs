//! What only PostgreSQL has: connections that break, sessions of others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_domain::{Clock, NodeId, OrgId, RunId, SystemClock, Timestamp};
use runloom_store::{
    AccountStore, Appended, Idempotency, KeyConflict, NewRun, Once, RunFilter, RunStore,
    StoredAnswer, ThreadStore,
};
use runloom_store_sql::{Database, PostgresStore, open_postgres};

use crate::proxy::Proxy;
use crate::sample::{change, new_run, new_thread, running};
use crate::support::{self, TestDatabase};

async fn last_seq(store: &PostgresStore, (org, run): (OrgId, RunId)) -> u64 {
    store.head(org, run).await.unwrap().unwrap().last_seq
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_lost_is_written_once() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::start(database.url()).await;
    let store = open_postgres(&proxy.url()).await.unwrap();
    let run = running(&*store).await;
    let first = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(first, [Appended::Committed { base: 1 }]);
    // The statement arrives and is committed, then the connection breaks instead of answering.
    proxy.swallow_next_answer();
    let second = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(second, [Appended::Committed { base: 2 }]);
    assert!(proxy.has_swallowed());
    assert_eq!(last_seq(&store, run).await, 3);
    assert_eq!(store.events(run.0, run.1, 0, 10).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_never_arrived_is_written_once() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::start(database.url()).await;
    let store = open_postgres(&proxy.url()).await.unwrap();
    let run = running(&*store).await;
    store.append(vec![change(run)]).await.unwrap();
    proxy.cut_next_request();
    let appended = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(appended, [Appended::Committed { base: 2 }]);
    assert_eq!(last_seq(&store, run).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_again_after_all_sessions_were_ended() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    let run = running(&*store).await;
    store.append(vec![change(run)]).await.unwrap();
    let session = database.session().await;
    support::run(
        &session,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    let appended = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(appended, [Appended::Committed { base: 2 }]);
    // A connection of the pool that hasn't noticed yet may fail once.
    if store.ping().await.is_err() {
        store.ping().await.unwrap();
    }
    store
        .renew_lease(NodeId::generate(Timestamp::default()))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_on_another_node_is_waited_for_two_seconds() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    let org = OrgId::generate(SystemClock.now());
    let thread = new_thread(org);
    let id = thread.thread_id;
    store.create_thread(thread, None).await.unwrap();
    // Another node is in the middle of the same creation.
    let twin = database.session().await;
    support::run(
        &twin,
        &format!(
            "BEGIN; INSERT INTO idempotency_keys
                (org_id, principal, operation, key, body_hash, status, answer, created_at)
            VALUES ('{org}', 'p', 'POST /', 'k', decode(repeat('00', 32), 'hex'), 201, '', now())"
        ),
    )
    .await;
    let once = Idempotency {
        principal: "p".to_owned(),
        operation: "POST /".to_owned(),
        key: "k".to_owned(),
        body_hash: [0; 32],
        answer: StoredAnswer {
            status: 201,
            body: String::new(),
        },
    };
    let new = || NewRun {
        once: Some(once.clone()),
        ..new_run(org, id)
    };
    let begun = Instant::now();
    let answer = store.create_run(new()).await.unwrap();
    assert_eq!(answer, Once::Conflict(KeyConflict::InProgress));
    assert!((1_900..4_000).contains(&begun.elapsed().as_millis()));
    support::run(&twin, "COMMIT").await;
    let answer = store.create_run(new()).await.unwrap();
    assert_eq!(answer, Once::Replayed(once.answer.clone()));
    assert!(
        store
            .runs(org, RunFilter::default(), page())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

const fn page() -> runloom_store::Page {
    runloom_store::Page {
        limit: 10,
        before: None,
    }
}

#[test]
fn a_store_can_be_used_from_another_runtime_than_its_own() {
    let home = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (database, store): (TestDatabase, Arc<PostgresStore>) = home.block_on(async {
        let database = TestDatabase::create().await;
        let store = open_postgres(database.url()).await.unwrap();
        (database, store)
    });
    let visitor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    visitor.block_on(async {
        let uses = async {
            let run = running(&*store).await;
            store.append(vec![change(run)]).await.unwrap();
            assert!(!store.has_accounts().await.unwrap());
        };
        tokio::time::timeout(Duration::from_secs(10), uses)
            .await
            .unwrap();
    });
    drop(store);
    drop(database);
}
