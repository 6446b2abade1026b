//! The same events without fence, counter and projections: what the databases do by themselves.

use std::sync::Arc;
use std::sync::mpsc;

use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use runloom_store::Change;
use tokio::sync::{Mutex, oneshot};
use uuid::Uuid;

diesel::table! {
    events (org_id, run_id, seq) {
        org_id -> Binary,
        run_id -> Binary,
        seq -> BigInt,
        #[sql_name = "type"]
        event_type -> Text,
        data -> Text,
        created_at -> BigInt,
    }
}

/// The first seq of a batch; above all that the store has written.
const FIRST: i64 = 1 << 40;

type Batch = (i64, Vec<Change>, oneshot::Sender<()>);

/// Writes the rows of events and nothing else.
pub(super) enum Bare {
    Sqlite(mpsc::Sender<Batch>),
    Postgres(Arc<Mutex<AsyncPgConnection>>),
}

impl Bare {
    pub(super) async fn open(place: &str) -> Self {
        if place.starts_with("postgres") {
            let c = AsyncPgConnection::establish(place)
                .await
                .expect("it connects");
            return Self::Postgres(Arc::new(Mutex::new(c)));
        }
        let mut c =
            SqliteConnection::establish(&format!("{place}/runloom.db")).expect("the file opens");
        c.batch_execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4096")
            .expect("the settings are taken");
        let (batches, inbox) = mpsc::channel();
        std::thread::spawn(move || write_all(&mut c, &inbox));
        Self::Sqlite(batches)
    }

    pub(super) async fn append(&self, number: i64, batch: Vec<Change>) {
        let first = FIRST + number * 8;
        match self {
            Self::Sqlite(batches) => {
                let (done, written) = oneshot::channel();
                batches
                    .send((first, batch, done))
                    .expect("the writer is there");
                written.await.expect("the batch is written");
            }
            Self::Postgres(c) => {
                let insert = Insert::new(first, &batch);
                let mut c = c.lock().await;
                let rows = diesel_async::RunQueryDsl::execute(insert, &mut *c).await;
                rows.expect("the batch is written");
            }
        }
    }
}

fn write_all(c: &mut SqliteConnection, inbox: &mpsc::Receiver<Batch>) {
    while let Ok((first, batch, done)) = inbox.recv() {
        c.batch_execute("BEGIN IMMEDIATE").expect("it begins");
        for change in &batch {
            for (seq, event) in (first..).zip(&change.events) {
                diesel::insert_into(events::table)
                    .values((
                        events::org_id.eq(change.org_id.as_uuid().as_bytes().as_slice()),
                        events::run_id.eq(change.run_id.as_uuid().as_bytes().as_slice()),
                        events::seq.eq(seq),
                        events::event_type.eq(&event.event_type),
                        events::data.eq(&event.data),
                        events::created_at.eq(event.created_at.as_micros()),
                    ))
                    .execute(c)
                    .expect("a row is written");
            }
        }
        c.batch_execute("COMMIT").expect("it commits");
        let _ = done.send(());
    }
}

#[derive(Default)]
struct Insert {
    org: Vec<Uuid>,
    run: Vec<Uuid>,
    seq: Vec<i64>,
    event_type: Vec<String>,
    data: Vec<String>,
    private: Vec<Option<String>>,
}

impl Insert {
    fn new(first: i64, batch: &[Change]) -> Self {
        let mut insert = Self::default();
        for change in batch {
            for (seq, event) in (first..).zip(&change.events) {
                insert.org.push(change.org_id.as_uuid());
                insert.run.push(change.run_id.as_uuid());
                insert.seq.push(seq);
                insert.event_type.push(event.event_type.clone());
                insert.data.push(event.data.clone());
                insert.private.push(event.private.clone());
            }
        }
        insert
    }
}

impl QueryId for Insert {
    type QueryId = Self;
}

impl QueryFragment<Pg> for Insert {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO events (org_id, run_id, seq, type, data, private, created_at)
            SELECT *, now() FROM unnest(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.org)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.run)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.seq)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.event_type)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.data)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.private)?;
        out.push_sql(")");
        Ok(())
    }
}
