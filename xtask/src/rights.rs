//! What the tasks on organisations and on people have in common.

use crate::database::Chosen;
use crate::process::Interrupt;
use anyhow::Result;
use runloom_store_sql::{Deleted, Place, RightsError, RightsProgress};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// How often a long step says how far it is.
const EVERY: Duration = Duration::from_secs(2);

impl Chosen {
    /// The same database, for what is done to it beside the server's own ways.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Sqlite(folder) => Place::Sqlite(folder.clone()),
            Self::Postgres(url) => Place::Postgres(url.clone()),
        }
    }
}

/// Says something beside the output. That nobody reads it is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "==> {text}");
}

/// Says how far something is, each table or kind of line at its end and now and then before.
pub(crate) struct Report {
    verb: &'static str,
    said: Instant,
}

impl Report {
    pub(crate) fn new(verb: &'static str) -> Self {
        Self {
            verb,
            said: Instant::now(),
        }
    }

    pub(crate) fn tell(&mut self, progress: RightsProgress) {
        let is_end = progress.done && progress.rows > 0;
        if is_end || self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            say(&format!(
                "{} {}: {}",
                self.verb, progress.what, progress.rows
            ));
        }
    }
}

/// Prints what went, or would go.
pub(crate) fn print(deleted: &Deleted, for_good: bool) {
    let width = deleted.rows.keys().map(|table| table.len()).max();
    let width = width.unwrap_or_default();
    for (table, rows) in &deleted.rows {
        println!("{table:width$} {rows:>9}");
    }
    let rows: u64 = deleted.rows.values().sum();
    let (orgs, users) = (deleted.orgs.len(), deleted.users.len());
    let what = format!("{orgs} organisations and {users} people and service accounts, {rows} rows");
    say(&if for_good {
        format!("deleted {what}")
    } else {
        format!("nothing is deleted; with --yes these go: {what}")
    });
}

/// Lets the work be dropped when the developer asks for it.
pub(crate) async fn unless<T>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, RightsError>>,
) -> Result<T> {
    tokio::select! {
        done = work => Ok(done?),
        () = interrupt.wait() => anyhow::bail!("interrupted"),
    }
}
