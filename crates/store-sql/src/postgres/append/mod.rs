//! The append batch on a connection of its own.

mod columns;
mod line;
mod lookup;
mod statement;

use std::time::Duration;

use runloom_store::{Appended, Change, StoreError};
use tokio::sync::Mutex;
use uuid::Uuid;

use self::columns::Columns;
use self::line::{Ended, Line, Session};
use self::statement::{Full, Plain};
use super::connect::Target;
use super::error::{self, Class};
use super::{Conn, RunQueryDsl, queries};
use crate::text::storable_change;
use crate::types::Id;

/// How often a batch is tried that has to give way to other transactions.
const TRIES: u32 = 5;

/// Longer than the statement may take by the server's own clock: past it the server is frozen
/// or unreachable.
const ANSWER: Duration = Duration::from_secs(30);

/// Pause between questions to a database that isn't there.
const PAUSE: Duration = Duration::from_millis(250);

/// Writes batches, one at a time.
pub(super) struct Appender {
    target: Target,
    line: Mutex<Option<Line>>,
    ended: Ended,
}

/// Why a part of a batch was not written.
enum Unwritten {
    /// The database refuses the data of one of its changes.
    Refused(String),
    /// Nothing of it was written.
    Failed(StoreError),
}

impl Appender {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            line: Mutex::new(None),
            ended: Ended::default(),
        }
    }

    /// Whether a batch is being written.
    pub(super) fn is_busy(&self) -> bool {
        self.line.try_lock().is_err()
    }

    /// Waits for the batch that is being written and closes the connection.
    pub(super) async fn close(&self) {
        self.ended.set();
        self.line.lock().await.take();
    }

    /// Writes a batch. When the database refuses something, the batch is halved until the
    /// change is found that is to blame.
    pub(super) async fn append(&self, batch: &[Change]) -> Result<Vec<Appended>, StoreError> {
        let mut line = self.line.lock().await;
        let mut outcomes: Vec<Option<Appended>> = batch.iter().map(refused_text).collect();
        let storable = (0..batch.len()).filter(|place| outcomes[*place].is_none());
        let mut parts: Vec<Vec<usize>> = vec![storable.collect()];
        let mut committed = false;
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.write(&mut line, batch, &part).await {
                Ok(written) => {
                    committed = true;
                    for (place, outcome) in written {
                        outcomes[place] = Some(outcome);
                    }
                }
                Err(Unwritten::Refused(reason)) => match part.as_slice() {
                    [only] => outcomes[*only] = Some(Appended::Invalid { reason }),
                    many => {
                        let (first, second) = many.split_at(many.len() / 2);
                        parts.extend([second.to_vec(), first.to_vec()]);
                    }
                },
                // An error would say that nothing was written; what is left is to be given again.
                Err(Unwritten::Failed(_)) if committed => break,
                Err(Unwritten::Failed(error)) => return Err(error),
            }
        }
        let or_again = |outcome: Option<Appended>| outcome.unwrap_or(Appended::Locked);
        Ok(outcomes.into_iter().map(or_again).collect())
    }

    /// Writes a part of a batch in one statement, for as often as it takes to know its outcome.
    async fn write(
        &self,
        line: &mut Option<Line>,
        batch: &[Change],
        places: &[usize],
    ) -> Result<Vec<(usize, Appended)>, Unwritten> {
        let columns = Columns::new(batch, places);
        let id = Id(Uuid::now_v7());
        let mut tries = 0;
        loop {
            tries += 1;
            let Line { c, session } = self.connected(line).await?;
            let session = *session;
            let error = match tokio::time::timeout(ANSWER, execute(c, id, &columns)).await {
                Ok(Ok(written)) => return Ok(outcomes(c, batch, places, &written).await),
                Ok(Err(error)) => error,
                Err(_) => error::lost("no answer"),
            };
            match error::class(&error) {
                Class::Again if tries < TRIES => {}
                Class::Data => return Err(Unwritten::Refused(error.to_string())),
                Class::Lost => {
                    line.take();
                    let written = self.find_out(line, session, id, &columns).await?;
                    if let Some(Line { c, .. }) = line
                        && !written.is_empty()
                    {
                        return Ok(outcomes(c, batch, places, &written).await);
                    }
                }
                _ => return Err(Unwritten::Failed(error::of_statement(error))),
            }
        }
    }

    /// The connection, made again when it is broken.
    async fn connected<'l>(&self, line: &'l mut Option<Line>) -> Result<&'l mut Line, Unwritten> {
        if line.as_mut().is_some_and(Line::is_broken) {
            line.take();
        }
        match line {
            Some(line) => Ok(line),
            None => match Line::connect(&self.target).await {
                Ok(made) => Ok(line.insert(made)),
                Err(error) => Err(Unwritten::Failed(error)),
            },
        }
    }

    /// Finds out whether the statement whose answer was lost has been committed: ends its
    /// session, so that it can't be committed later, then looks for its mark. Goes on until it
    /// knows: while the database is away nothing else can be written either, and an error would
    /// say that nothing was.
    async fn find_out(
        &self,
        line: &mut Option<Line>,
        session: Session,
        batch: Id,
        columns: &Columns<'_>,
    ) -> Result<Vec<(i64, i64)>, Unwritten> {
        loop {
            let asked = lookup::Written {
                batch,
                asked: &columns.asked,
            };
            match line::after(&self.target, session, asked).await {
                Ok((made, written)) => {
                    *line = Some(made);
                    return Ok(written);
                }
                Err(error) if self.ended.is_set() => return Err(Unwritten::Failed(error)),
                Err(error) => {
                    tracing::warn!(%error, "the outcome of an append is still unknown");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

fn refused_text(change: &Change) -> Option<Appended> {
    let refused = storable_change(&change.events, change.projection.as_deref()).err()?;
    let reason = std::error::Error::source(&refused).map(ToString::to_string);
    Some(Appended::Invalid {
        reason: reason.unwrap_or_else(|| refused.to_string()),
    })
}

async fn execute(
    c: &mut Conn,
    batch: Id,
    columns: &Columns<'_>,
) -> diesel::QueryResult<Vec<(i64, i64)>> {
    if columns.is_plain() {
        Plain { batch, columns }.load(c).await
    } else {
        Full { batch, columns }.load(c).await
    }
}

/// The outcomes of a part of which `written` was committed.
async fn outcomes(
    c: &mut Conn,
    batch: &[Change],
    places: &[usize],
    written: &[(i64, i64)],
) -> Vec<(usize, Appended)> {
    let mut outcomes: Vec<(usize, Appended)> = written
        .iter()
        .map(|(place, base)| {
            let base = u64::try_from(*base).unwrap_or_default();
            (*place as usize, Appended::Committed { base })
        })
        .collect();
    if outcomes.len() < places.len() {
        let known: std::collections::HashSet<usize> =
            outcomes.iter().map(|(place, _)| *place).collect();
        let missing: Vec<usize> = places
            .iter()
            .copied()
            .filter(|p| !known.contains(p))
            .collect();
        // Without an answer they count as locked: given again, they get their outcome.
        outcomes.extend(
            lookup::why_not(c, batch, &missing)
                .await
                .unwrap_or_default(),
        );
    }
    outcomes
}
