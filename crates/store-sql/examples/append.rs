//! Measures appends: `cargo run --release -p runloom-store-sql --example append -- DIR`.
//!
//! Runs append as fast as they are answered, gathered into batches the way the engine's writer
//! gathers them: take one change and whatever else waits. With a PostgreSQL URL instead of a
//! folder it measures PostgreSQL.

#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_domain::event::Delta;
use runloom_domain::{
    Clock, EncodedEvent, EventBody, NewEvent, NodeId, OrgId, RunId, SystemClock, ThreadId,
    Timestamp, TraceId, UserId,
};
use runloom_store::{
    Appended, Change, CreateRun, NewRun, NewThread, OnBusy, Once, Store, StoreError,
};
use tokio::sync::{mpsc, oneshot};

const SAMPLE: Duration = Duration::from_secs(3);

type Order = (Change, oneshot::Sender<Appended>);

fn delta(now: Timestamp) -> EncodedEvent {
    let body = EventBody::MessageDelta(Delta {
        content: "some words of an answer, as a provider sends them".to_owned(),
        role: Some("assistant".to_owned()),
        step: 1,
        attempt: 1,
    });
    NewEvent::public(body).encode(now)
}

fn new_run(org: OrgId, thread: ThreadId, owner: NodeId) -> NewRun {
    let now = SystemClock.now();
    NewRun {
        org_id: org,
        run_id: RunId::generate(now),
        thread_id: thread,
        created_by: UserId::generate(now),
        trace_id: TraceId::generate(),
        created_at: now,
        persona_id: "default@1".to_owned(),
        route_id: "demo".to_owned(),
        model: "demo".to_owned(),
        metadata: None,
        input: None,
        rewind: None,
        contents: Vec::new(),
        on_busy: OnBusy::Reject,
        max_live_runs: None,
        owner: Some(owner),
        first_event: Box::new(move |_| delta(now)),
        once: None,
    }
}

async fn create_run(store: &dyn Store, org: OrgId, owner: NodeId) -> Result<RunId, StoreError> {
    let now = SystemClock.now();
    let thread_id = ThreadId::generate(now);
    let thread = NewThread {
        org_id: org,
        thread_id,
        created_by: UserId::generate(now),
        title: None,
        metadata: None,
        created_at: now,
    };
    store.create_thread(thread, None).await?;
    let new = new_run(org, thread_id, owner);
    let run = new.run_id;
    match store.create_run(new).await? {
        Once::Done(CreateRun::Created(_)) => Ok(run),
        other => Err(StoreError::Unfit(format!("no run was created: {other:?}"))),
    }
}

/// What the engine's writer does: one batch at a time, made of all that waits.
async fn write_all(store: Arc<dyn Store>, mut inbox: mpsc::UnboundedReceiver<Order>) -> usize {
    let mut batches = 0;
    while let Some(first) = inbox.recv().await {
        let mut orders = vec![first];
        while orders.len() < 4_000
            && let Ok(order) = inbox.try_recv()
        {
            orders.push(order);
        }
        let (changes, callers): (Vec<_>, Vec<_>) = orders.into_iter().unzip();
        let outcomes = store.append(changes).await.expect("the batch is written");
        for (caller, outcome) in callers.into_iter().zip(outcomes) {
            let _ = caller.send(outcome);
        }
        batches += 1;
    }
    batches
}

async fn drive(
    orders: mpsc::UnboundedSender<Order>,
    (org_id, run_id): (OrgId, RunId),
    events: usize,
    until: Instant,
) -> Vec<Duration> {
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let change = Change {
            org_id,
            run_id,
            epoch: 1,
            expect_status: None,
            events: vec![delta(SystemClock.now()); events],
            projection: None,
        };
        let (caller, answer) = oneshot::channel();
        let begun = Instant::now();
        orders.send((change, caller)).expect("the writer is there");
        let outcome = answer.await.expect("the writer answers");
        assert!(matches!(outcome, Appended::Committed { .. }), "{outcome:?}");
        latencies.push(begun.elapsed());
    }
    latencies
}

async fn measure(store: &Arc<dyn Store>, org: OrgId, node: NodeId, runs: usize, events: usize) {
    let mut ids = Vec::new();
    for _ in 0..runs {
        ids.push(
            create_run(&**store, org, node)
                .await
                .expect("a run is created"),
        );
    }
    let (orders, inbox) = mpsc::unbounded_channel();
    let writer = tokio::spawn(write_all(Arc::clone(store), inbox));
    let begun = Instant::now();
    let drivers: Vec<_> = ids
        .iter()
        .map(|run| tokio::spawn(drive(orders.clone(), (org, *run), events, begun + SAMPLE)))
        .collect();
    drop(orders);
    let mut latencies = Vec::new();
    for driver in drivers {
        latencies.extend(driver.await.expect("a driver ends"));
    }
    let took = begun.elapsed().as_secs_f64();
    let batches = writer.await.expect("the writer ends");
    latencies.sort();
    let percentile = |p: usize| latencies[(latencies.len() - 1) * p / 100].as_secs_f64() * 1e3;
    println!(
        "| {runs} | {events} | {:.0} | {:.2} | {:.2} | {:.1} |",
        (latencies.len() * events) as f64 / took,
        percentile(50),
        percentile(99),
        latencies.len() as f64 / batches as f64,
    );
}

/// Threads created by many callers at once.
async fn measure_threads(store: &Arc<dyn Store>, org: OrgId, callers: usize) {
    let until = Instant::now() + SAMPLE;
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut count = 0_u32;
                while Instant::now() < until {
                    let now = SystemClock.now();
                    let new = NewThread {
                        org_id: org,
                        thread_id: ThreadId::generate(now),
                        created_by: UserId::generate(now),
                        title: None,
                        metadata: None,
                        created_at: now,
                    };
                    store
                        .create_thread(new, None)
                        .await
                        .expect("a thread is created");
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for caller in callers {
        count += caller.await.expect("a caller ends");
    }
    println!(
        "threads created per second: {:.0}",
        f64::from(count) / SAMPLE.as_secs_f64()
    );
}

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let place = std::env::args().nth(1).expect("a folder");
    let store: Arc<dyn Store> = runloom_store_sql::open_sqlite(place, Arc::new(SystemClock))?;
    let now = SystemClock.now();
    let (org, node) = (OrgId::generate(now), NodeId::generate(now));
    store.renew_lease(node).await?;
    println!("| runs | events per change | events/s | p50 ms | p99 ms | changes per batch |");
    println!("|---|---|---|---|---|---|");
    for events in [1, 4] {
        for runs in [1, 16, 64, 256, 1_000] {
            measure(&store, org, node, runs, events).await;
        }
    }
    measure_threads(&store, org, 200).await;
    Ok(())
}
