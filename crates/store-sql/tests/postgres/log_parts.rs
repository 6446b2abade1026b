//! The log in parts by month.

use std::sync::Arc;

use runloom_domain::{
    Clock, EncodedEvent, OrgId, OrgRole, RunId, RunStatus, SystemClock, ThreadId, Timestamp, UserId,
};
use runloom_store::{
    AccountStore, Appended, By, Change, CreateRun, Housekeeping, NewAccount, NewRun, NewThread,
    Once, Projection, RunEnd, RunStore, ThreadStore,
};
use runloom_store_sql::{PostgresStore, open_postgres};
use tokio_postgres::Client;

use crate::history::schema;
use crate::sample::new_run;
use crate::support::{self, TestDatabase};

/// 5 January 2020.
pub(crate) const LONG_AGO: Timestamp = Timestamp::from_micros(1_578_182_400_000_000);

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// A part for the month of [`LONG_AGO`].
const JANUARY: &str = "CREATE TABLE events_2020_01 PARTITION OF events
    FOR VALUES FROM ('016f5e66-e800-0000-0000-000000000000')
    TO ('016ffe0c-1c00-0000-0000-000000000000')";

/// A run of an organisation of its own.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) org: OrgId,
    pub(crate) run: RunId,
}

fn event(event_type: &str, at: Timestamp) -> EncodedEvent {
    EncodedEvent {
        event_type: event_type.to_owned(),
        data: "{}".to_owned(),
        private: None,
        created_at: at,
    }
}

pub(crate) async fn open(database: &TestDatabase) -> Arc<PostgresStore> {
    open_postgres(database.url()).await.unwrap()
}

/// A run that began then, owned at epoch 1, with one event.
pub(crate) async fn begin(store: &PostgresStore, at: Timestamp) -> Run {
    let (org_id, thread_id) = (OrgId::generate(at), ThreadId::generate(at));
    let user_id = UserId::generate(at);
    let account = NewAccount {
        user_id,
        org_id,
        org_name: "Acme".to_owned(),
        login: user_id.to_string(),
        email: format!("{user_id}@example.org"),
        password_hash: String::new(),
        role: OrgRole::Owner,
        api_key: None,
        session: None,
        created_at: at,
    };
    store
        .create_account(account, None, By::system(SystemClock.now()))
        .await
        .unwrap();
    let thread = NewThread::untitled(org_id, thread_id, user_id, at);
    store.create_thread(thread, None).await.unwrap();
    let new = NewRun {
        run_id: RunId::generate(at),
        created_by: user_id,
        created_at: at,
        first_event: Box::new(move |_, _| event("run.started", at)),
        ..new_run(org_id, thread_id)
    };
    let run = new.run_id;
    let created = store.create_run(new).await.unwrap();
    assert!(matches!(created, Once::Done(CreateRun::Created(_))));
    Run { org: org_id, run }
}

impl Run {
    async fn append(self, store: &PostgresStore, event: EncodedEvent, end: Option<Timestamp>) {
        let projection = end.map(|at| {
            Box::new(Projection {
                status: Some(RunStatus::Completed),
                end: Some(RunEnd {
                    at,
                    credits: 1,
                    error_class: None,
                    error_message: None,
                }),
                ..Projection::default()
            })
        });
        let change = Change {
            org_id: self.org,
            run_id: self.run,
            epoch: 1,
            expect_status: None,
            events: vec![event],
            projection,
        };
        let appended = store.append(vec![change]).await.unwrap();
        assert!(matches!(appended[..], [Appended::Committed { .. }]));
    }

    async fn end(self, store: &PostgresStore, at: Timestamp) {
        self.append(store, event("run.completed", at), Some(at))
            .await;
    }

    pub(crate) async fn events(self, store: &PostgresStore) -> usize {
        store
            .events(self.org, self.run, 0, 100)
            .await
            .unwrap()
            .len()
    }

    async fn is_expired(self, store: &PostgresStore) -> bool {
        let head = store.head(self.org, self.run).await.unwrap();
        head.unwrap().events_expired
    }

    /// The part that its events are in.
    pub(crate) async fn part(self, session: &Client) -> String {
        let query = format!(
            "SELECT DISTINCT tableoid::regclass::text FROM events WHERE run_id = '{}'",
            self.run
        );
        let row = session.query_one(&query, &[]).await;
        row.unwrap().get(0)
    }
}

pub(crate) async fn parts(session: &Client) -> Vec<String> {
    let query = "SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = 'events'::regclass ORDER BY 1";
    let rows = session.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_parts_for_this_month_and_the_next_three() {
    let database = TestDatabase::create().await;
    let (store, session) = (open(&database).await, database.session().await);
    let tended = store.tend_log(0).await.unwrap();
    assert_eq!((tended.made, tended.ahead), (4, 4));
    let again = store.tend_log(0).await.unwrap();
    assert_eq!((again.made, again.ahead), (0, 4));
    let row = session
        .query_one("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')", &[])
        .await;
    let month: String = row.unwrap().get(0);
    let run = begin(&store, SystemClock.now()).await;
    run.append(&store, event("message.delta", LONG_AGO), None)
        .await;
    assert_eq!(run.part(&session).await, format!("events_{month}"));
    assert_eq!(run.events(&store).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_make_parts_at_the_same_time() {
    let database = TestDatabase::create().await;
    let nodes = [
        open(&database).await,
        open(&database).await,
        open(&database).await,
    ];
    let tended = futures_util::future::join_all(nodes.iter().map(|node| node.tend_log(0))).await;
    let made: u64 = tended.into_iter().map(|tended| tended.unwrap().made).sum();
    let rest = nodes[0].tend_log(0).await.unwrap();
    assert_eq!((made + rest.made, rest.ahead), (4, 4));
}

/// What was there before the log had parts becomes one, while it is written to.
#[tokio::test(flavor = "multi_thread")]
async fn earlier_events_are_set_apart() {
    let database = TestDatabase::create().await;
    let (store, session) = (open(&database).await, database.session().await);
    let (old, live) = (
        begin(&store, LONG_AGO).await,
        begin(&store, SystemClock.now()).await,
    );
    assert_eq!(live.part(&session).await, "events_default");
    let tended = store.tend_log(0).await.unwrap();
    assert_eq!((tended.made, tended.ahead), (3, 3));
    let part = live.part(&session).await;
    assert!(part.starts_with("events_before_"), "{part}");
    assert_eq!(old.part(&session).await, part);
    live.end(&store, SystemClock.now()).await;
    assert_eq!(live.events(&store).await, 2);
    let held = "SELECT 1 FROM events_default UNION ALL SELECT 1 FROM pg_constraint
        WHERE conname LIKE 'events%before%'";
    assert!(session.query(held, &[]).await.unwrap().is_empty());
}

/// A run's id that is far in the future fits no month. The log then stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_no_month_are_left_alone() {
    let database = TestDatabase::create().await;
    let (store, session) = (open(&database).await, database.session().await);
    let far = Timestamp::from_micros(SystemClock.now().as_micros() + 900 * DAY_MICROS);
    begin(&store, far).await;
    assert!(store.tend_log(0).await.is_err());
    assert_eq!(parts(&session).await, ["events_default"]);
    let run = begin(&store, far).await;
    assert_eq!(run.events(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_dropped_when_all_its_runs_have_expired() {
    let database = TestDatabase::create().await;
    let (store, session) = (open(&database).await, database.session().await);
    support::run(&session, JANUARY).await;
    let (done, live) = (begin(&store, LONG_AGO).await, begin(&store, LONG_AGO).await);
    done.end(&store, LONG_AGO).await;
    let dropped = async || store.tend_log(30).await.unwrap().dropped;
    assert_eq!(dropped().await, 0, "no run has expired");
    assert_eq!(store.expire_runs(30, None, 9).await.unwrap().runs, 1);
    assert_eq!(dropped().await, 0, "one may still be worked on");
    live.end(&store, LONG_AGO).await;
    assert_eq!(dropped().await, 0, "one may still be read");
    assert_eq!(store.expire_runs(30, None, 9).await.unwrap().runs, 1);
    let set = store
        .set_event_retention(live.org, Some(0), By::system(SystemClock.now()))
        .await;
    assert!(set.unwrap());
    assert_eq!(
        dropped().await,
        0,
        "an organisation keeps its events for ever"
    );
    let set = store
        .set_event_retention(live.org, None, By::system(SystemClock.now()))
        .await;
    assert!(set.unwrap());
    assert_eq!(dropped().await, 1);
    assert!(!parts(&session).await.contains(&"events_2020_01".to_owned()));
    for run in [done, live] {
        assert!(run.is_expired(&store).await);
        assert_eq!(run.events(&store).await, 0);
    }
    assert!(!store.delete_expired(30, 100).await.unwrap().more);
    let left = session.query("SELECT 1 FROM expired_runs", &[]).await;
    assert!(left.unwrap().is_empty());
}

/// Events that have expired wait for their part, if it is dropped soon.
#[tokio::test(flavor = "multi_thread")]
async fn expired_events_go_with_their_part() {
    let database = TestDatabase::create().await;
    let (store, session) = (open(&database).await, database.session().await);
    support::run(&session, JANUARY).await;
    let run = begin(&store, LONG_AGO).await;
    run.end(&store, LONG_AGO).await;
    let age = (SystemClock.now().as_micros() - LONG_AGO.as_micros()) / DAY_MICROS;
    let days = u32::try_from(age).unwrap();
    assert_eq!(store.expire_runs(days, None, 9).await.unwrap().runs, 1);
    let deleted = store.delete_expired(days, 100).await.unwrap();
    assert_eq!((deleted.rows, deleted.more), (0, false));
    assert_eq!(run.events(&store).await, 2);
    assert_eq!(store.tend_log(days).await.unwrap().dropped, 0);
    assert_eq!(store.tend_log(days - 28).await.unwrap().dropped, 1);
    assert_eq!(run.events(&store).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_goes_into_one_table_and_into_parts_again() {
    let database = TestDatabase::create().await;
    let (store, session) = (open(&database).await, database.session().await);
    let made = schema(&session).await;
    let before = begin(&store, LONG_AGO).await;
    store.tend_log(0).await.unwrap();
    let after = begin(&store, SystemClock.now()).await;
    for file in support::migrations("down.sql")[2..].iter().rev() {
        support::run(&session, file).await;
    }
    let rows = session.query("SELECT seq FROM events", &[]).await;
    assert_eq!(rows.unwrap().len(), 2);
    for file in &support::migrations("up.sql")[2..] {
        support::run(&session, file).await;
    }
    assert_eq!(schema(&session).await, made);
    // The roles have no rights on tables that were made behind the server's back.
    let store = open(&database).await;
    for run in [before, after] {
        assert_eq!(run.part(&session).await, "events_default");
        run.end(&store, SystemClock.now()).await;
    }
}
