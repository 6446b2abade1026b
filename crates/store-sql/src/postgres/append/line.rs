//! The appender's connection, and what becomes of its session when it breaks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::pooled_connection::PoolableConnection;
use runloom_store::StoreError;

use super::super::connect::{Purpose, Target};
use super::super::{Conn, RunQueryDsl, error};
use super::lookup::Written;
use crate::types::{At, Moment};

/// Pause between looks at a session that is being ended.
const PAUSE: Duration = Duration::from_millis(20);

/// How many looks it is given.
const LOOKS: u32 = 100;

/// A session of the server; a process id alone may be given to another one later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pid: i32,
    since: At,
}

/// A connection that knows its session.
pub(super) struct Line {
    pub(super) c: Conn,
    pub(super) session: Session,
}

impl Line {
    pub(super) async fn connect(target: &Target) -> Result<Self, StoreError> {
        Self::begin(target).await?.take_role(target).await
    }

    /// As the login role: others are not shown when their session began, and may not end it.
    async fn begin(target: &Target) -> Result<Self, StoreError> {
        let made = target.connect_as_login(Purpose::Appends).await;
        let mut c = made.map_err(|error| StoreError::Unavailable(error.into()))?;
        let (pid, since) = sql::<(Integer, Moment)>(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()",
        )
        .get_result(&mut c)
        .await
        .map_err(error::of_statement)?;
        Ok(Self {
            c,
            session: Session { pid, since },
        })
    }

    async fn take_role(mut self, target: &Target) -> Result<Self, StoreError> {
        let taken = target.take_role(&mut self.c, Purpose::Appends).await;
        taken.map_err(error::of_statement)?;
        Ok(self)
    }

    pub(super) fn is_broken(&mut self) -> bool {
        PoolableConnection::is_broken(&mut self.c)
    }
}

/// Connects again, ends the old session, and asks what it has written.
pub(super) async fn after(
    target: &Target,
    old: Session,
    asked: Written<'_>,
) -> Result<(Line, Vec<(i64, i64)>), StoreError> {
    let mut line = Line::begin(target).await?;
    end(&mut line.c, old).await?;
    let mut line = line.take_role(target).await?;
    let written = asked.load(&mut line.c).await.map_err(error::of_statement)?;
    Ok((line, written))
}

/// Ends a session and waits until it is gone. A broken connection doesn't end it: the server may
/// be in the middle of the statement, or yet to begin it.
async fn end(c: &mut Conn, old: Session) -> Result<(), StoreError> {
    for _ in 0..LOOKS {
        let found: i64 = diesel::sql_query(
            "SELECT count(pg_terminate_backend(pid)) AS found FROM pg_stat_activity
            WHERE pid = $1 AND backend_start = $2",
        )
        .bind::<Integer, _>(old.pid)
        .bind::<Moment, _>(old.since)
        .get_result::<Found>(c)
        .await
        .map_err(error::of_statement)?
        .found;
        if found == 0 {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(StoreError::Unavailable(
        "the session of a lost connection does not end".into(),
    ))
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Whether the store has been closed.
#[derive(Debug, Default)]
pub(super) struct Ended(AtomicBool);

impl Ended {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_set(&self) -> bool {
        AtomicBool::load(&self.0, Ordering::Acquire)
    }
}
