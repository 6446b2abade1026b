//! Measures appends: `cargo run --release -p runloom-store-sql --example append -- PLACE`, where
//! PLACE is an empty folder or the URL of an empty PostgreSQL database.
//!
//! Runs append as fast as they are answered, gathered into batches the way the engine's writer
//! gathers them: take one change and whatever else waits. Each row is measured twice: by the
//! store, and with bare inserts of the same events.

#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

mod bare;

use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_domain::event::Delta;
use runloom_domain::{
    Clock, EncodedEvent, EventBody, MessageBody, MessageId, ModelCall, Multiplier, NanoUsd,
    NewEvent, NodeId, OrgId, RunId, RunStatus, RunTotals, SystemClock, ThreadId, Timestamp,
    TraceId, Usage, UserId,
};
use runloom_store::{
    Allowance, Appended, Change, CreateRun, LiveLimits, NewMessage, NewRun, NewThread, OnBusy,
    Once, Projection, RunEnd, Store, StoreError,
};
use tokio::sync::{mpsc, oneshot};

use bare::Bare;

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
        parent: None,
        created_by: UserId::generate(now),
        api_key_id: None,
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
        max_live_runs: LiveLimits::default(),
        allowance: Allowance::default(),
        owner: Some(owner),
        first_event: Box::new(move |_, _| delta(now)),
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

/// What is measured.
#[derive(Clone)]
enum Subject {
    Store(Arc<dyn Store>),
    Bare(Arc<Bare>),
}

impl Subject {
    const fn name(&self) -> &'static str {
        match self {
            Self::Store(_) => "fenced",
            Self::Bare(_) => "bare",
        }
    }

    async fn append(&self, number: i64, batch: Vec<Change>) -> Vec<Appended> {
        match self {
            Self::Store(store) => store.append(batch).await.expect("the batch is written"),
            Self::Bare(bare) => {
                let outcomes = vec![Appended::Committed { base: 0 }; batch.len()];
                bare.append(number, batch).await;
                outcomes
            }
        }
    }
}

/// What the engine's writer does: one batch at a time, made of all that waits.
async fn write_all(subject: Subject, mut inbox: mpsc::UnboundedReceiver<Order>) -> i64 {
    let mut batches = 0;
    while let Some(first) = inbox.recv().await {
        let mut orders = vec![first];
        while orders.len() < 4_000
            && let Ok(order) = inbox.try_recv()
        {
            orders.push(order);
        }
        let (changes, callers): (Vec<_>, Vec<_>) = orders.into_iter().unzip();
        let outcomes = subject.append(batches, changes).await;
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

async fn measure(subject: Subject, ids: &[(OrgId, RunId)], events: usize) {
    let runs = ids.len();
    let (orders, inbox) = mpsc::unbounded_channel();
    let writer = tokio::spawn(write_all(subject.clone(), inbox));
    let begun = Instant::now();
    let drivers: Vec<_> = ids
        .iter()
        .map(|run| tokio::spawn(drive(orders.clone(), *run, events, begun + SAMPLE)))
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
        "| {} | {runs} | {events} | {:.0} | {:.2} | {:.2} | {:.1} |",
        subject.name(),
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

/// Whole runs of 50 deltas each, from creation to end, by many callers at once.
async fn measure_runs(store: &Arc<dyn Store>, org: OrgId, node: NodeId, callers: usize) {
    let (orders, inbox) = mpsc::unbounded_channel();
    let writer = tokio::spawn(write_all(Subject::Store(Arc::clone(store)), inbox));
    let until = Instant::now() + SAMPLE;
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let (store, orders) = (Arc::clone(store), orders.clone());
            tokio::spawn(async move {
                let mut count = 0_u32;
                while Instant::now() < until {
                    let run = create_run(&*store, org, node)
                        .await
                        .expect("a run is created");
                    for change in whole_run(org, run) {
                        let (caller, answer) = oneshot::channel();
                        orders.send((change, caller)).expect("the writer is there");
                        let outcome = answer.await.expect("the writer answers");
                        assert!(matches!(outcome, Appended::Committed { .. }), "{outcome:?}");
                    }
                    count += 1;
                }
                count
            })
        })
        .collect();
    drop(orders);
    let mut count = 0;
    for caller in callers {
        count += caller.await.expect("a caller ends");
    }
    writer.await.expect("the writer ends");
    println!(
        "runs with a thread each, 50 deltas and an end, per second: {:.0}",
        f64::from(count) / SAMPLE.as_secs_f64()
    );
}

/// A step's start, its deltas in a few changes as they gather while others are written, and the
/// end with its message, ledger row, totals and credits.
fn whole_run(org_id: OrgId, run_id: RunId) -> Vec<Change> {
    let now = SystemClock.now();
    let change = |events, projection| Change {
        org_id,
        run_id,
        epoch: 1,
        expect_status: None,
        events,
        projection,
    };
    let typed = |event_type: &str| EncodedEvent {
        event_type: event_type.to_owned(),
        ..delta(now)
    };
    let mut changes = vec![change(vec![typed("step.started")], None)];
    changes.extend((0..10).map(|_| change(vec![delta(now); 5], None)));
    let call = ModelCall {
        step: 1,
        attempt: 1,
        route_id: "demo".to_owned(),
        model: "demo".to_owned(),
        usage: Usage::estimated(100, 100),
        cost: NanoUsd::from_nanos(1_000),
        multiplier: Multiplier::default(),
    };
    let projection = Projection {
        status: Some(RunStatus::Completed),
        messages: vec![NewMessage {
            message_id: MessageId::generate(now),
            body: MessageBody::Assistant {
                content: "some words of an answer".repeat(50),
                tool_calls: Vec::new(),
                provider: None,
            },
            created_at: now,
        }],
        totals: Some(RunTotals::default().plus(&call)),
        calls: vec![call],
        end: Some(RunEnd {
            at: now,
            credits: 1,
            error_class: None,
            error_message: None,
        }),
        ..Projection::default()
    };
    let end = vec![typed("step.completed"), typed("run.completed")];
    changes.push(change(end, Some(Box::new(projection))));
    changes
}

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let place = std::env::args().nth(1).expect("a folder or a URL");
    let store: Arc<dyn Store> = if place.starts_with("postgres") {
        runloom_store_sql::open_postgres(&place).await?
    } else {
        runloom_store_sql::open_sqlite(&place, Arc::new(SystemClock))?
    };
    let now = SystemClock.now();
    let (org, node) = (OrgId::generate(now), NodeId::generate(now));
    store.renew_lease(node).await?;
    println!("| | runs | events per change | events/s | p50 ms | p99 ms | changes per batch |");
    println!("|---|---|---|---|---|---|---|");
    for events in [1, 4] {
        for runs in [1, 16, 64, 256, 1_000] {
            let mut ids = Vec::new();
            for _ in 0..runs {
                ids.push((org, create_run(&*store, org, node).await?));
            }
            measure(Subject::Store(Arc::clone(&store)), &ids, events).await;
            let bare = Bare::open(&place).await;
            measure(Subject::Bare(Arc::new(bare)), &ids, events).await;
        }
    }
    measure_runs(&store, org, node, 64).await;
    measure_runs(&store, org, node, 256).await;
    measure_threads(&store, org, 200).await;
    Ok(())
}
