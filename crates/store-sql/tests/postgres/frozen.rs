//! A server that takes connections and bytes and doesn't answer: everybody is told in time, and
//! all goes on when it answers again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_domain::{NodeId, Timestamp};
use runloom_store::{Appended, RunStore, StoreError};
use runloom_store_sql::{Database, open_postgres};

use crate::proxy::Proxy;
use crate::sample::{change, new_run, new_thread, running};
use crate::support::TestDatabase;

/// Twice what a statement may take, with something for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a call took that must say that the database isn't there.
async fn refused<T>(call: impl Future<Output = Result<T, StoreError>>) -> Duration {
    let begun = Instant::now();
    let outcome = tokio::time::timeout(PATIENCE, call).await;
    match outcome.expect("nobody waits for ever") {
        Err(StoreError::Unavailable(_)) => begun.elapsed(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("a frozen server answered"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_keeps_nobody_waiting_for_ever() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::start(database.url()).await;
    let store = open_postgres(&proxy.url()).await.unwrap();
    let (org, run) = running(&*store).await;
    let node = NodeId::generate(Timestamp::default());
    // Each lane has a connection.
    store.renew_lease(node).await.unwrap();
    store.run(org, run).await.unwrap();
    store.append(vec![change((org, run))]).await.unwrap();
    proxy.freeze();
    let (reader, writer) = (Arc::clone(&store), Arc::clone(&store));
    let reading = tokio::spawn(async move { reader.run(org, run).await });
    let appending = tokio::spawn(async move { writer.append(vec![change((org, run))]).await });
    let new = new_run(org, new_thread(org).thread_id);
    let (renewal, create) = tokio::join!(
        refused(store.renew_lease(node)),
        refused(store.create_run(new))
    );
    assert!(renewal < Duration::from_secs(10), "{renewal:?}");
    assert!(create < Duration::from_secs(16), "{create:?}");
    proxy.thaw();
    // Who may wait longer gets what was asked for.
    assert!(reading.await.unwrap().unwrap().is_some());
    let appended = appending.await.unwrap().unwrap();
    assert_eq!(appended, [Appended::Committed { base: 2 }]);
    store.renew_lease(node).await.unwrap();
    assert_eq!(store.events(org, run, 0, 10).await.unwrap().len(), 3);
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_connection_to_a_frozen_server() {
    let database = TestDatabase::create().await;
    let proxy = Proxy::start(database.url()).await;
    let store = open_postgres(&proxy.url()).await.unwrap();
    proxy.freeze();
    let took = refused(store.ping()).await;
    assert!(took < Duration::from_secs(8), "{took:?}");
    proxy.thaw();
    store.ping().await.unwrap();
}
