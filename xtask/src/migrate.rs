//! `cargo xtask migrate`: brings a database to the current schema with the server's own code, or
//! moves one from SQLite to PostgreSQL.

use crate::database::{self, Chosen, DatabaseArguments};
use crate::process::{self, Interrupt};
use anyhow::{Context, Result, bail};
use clap::Args;
use runloom_domain::SystemClock;
use runloom_store_sql::{CopyProgress, CopyStep, copy_to_postgres};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a long step says how far it is.
const EVERY: Duration = Duration::from_secs(3);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Copy the SQLite database of the folder to the empty PostgreSQL database, and compare both
    #[arg(long)]
    copy: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    if arguments.copy {
        return copy(interrupt, &arguments.database).await;
    }
    let chosen = arguments.database.choose()?;
    let database = chosen.open(Arc::new(SystemClock)).await?;
    for migration in database.migrated() {
        process::step(&format!("ran the migration {migration}"));
    }
    database
        .ping()
        .await
        .context("the database is not usable after its migration")?;
    database.close().await.context("can't close the database")?;
    process::step(&format!("{} has the current schema", chosen.name()));
    Ok(())
}

async fn copy(interrupt: &Interrupt, arguments: &DatabaseArguments) -> Result<()> {
    let folder = arguments.data_dir.clone();
    let folder = folder.unwrap_or_else(database::folder_of_environment);
    let url = arguments.database_url.clone();
    let Some(url) = url.or_else(database::url_of_environment) else {
        bail!("--copy needs --database-url, or RUNLOOM_DATABASE_URL");
    };
    let source = Chosen::Sqlite(folder.clone()).name();
    let target = Chosen::Postgres(url.clone()).name();
    process::step(&format!("copying {source} to {target}"));
    let mut report = Report::new();
    let copying = copy_to_postgres(&folder, &url, Arc::new(SystemClock), |progress| {
        report.tell(progress);
    });
    let counts = tokio::select! {
        copied = copying => copied.with_context(|| format!("{target} has no whole copy"))?,
        () = interrupt.wait() => bail!("interrupted; {target} has no whole copy"),
    };
    let rows: u64 = counts.iter().map(|(_, rows)| rows).sum();
    let events = counts.iter().find(|(table, _)| *table == "events");
    let events = events.map_or(0, |(_, rows)| *rows);
    let tables = counts.len();
    process::step(&format!(
        "{target} has an equal copy: {rows} rows in {tables} tables, every value compared, \
         {events} rows of events among them, in {:.1} s",
        report.began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Says a line for each step of a table, and some more while it is long.
struct Report {
    began: Instant,
    /// When this step of this table began.
    step: Option<(&'static str, CopyStep, Instant)>,
    said: Instant,
}

impl Report {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            step: None,
            said: now,
        }
    }

    fn tell(&mut self, progress: CopyProgress) {
        let now = Instant::now();
        let since = match self.step {
            Some((table, step, since)) if (table, step) == (progress.table, progress.step) => since,
            // A step begins when the one before has ended, which has said so.
            _ => self.said,
        };
        self.step = Some((progress.table, progress.step, since));
        if progress.done || now.duration_since(self.said) >= EVERY {
            self.said = now;
            process::step(&line(progress, now.duration_since(since)));
        }
    }
}

/// `checked events: 1200000 rows, 54000 rows/s`
fn line(progress: CopyProgress, took: Duration) -> String {
    let verb = match (progress.step, progress.done) {
        (CopyStep::Copying, false) => "copying",
        (CopyStep::Copying, true) => "copied",
        (CopyStep::Checking, false) => "comparing",
        (CopyStep::Checking, true) => "compared",
    };
    let (table, rows) = (progress.table, progress.rows);
    let pace = rows as f64 / took.as_secs_f64().max(1e-3);
    format!("{verb} {table}: {rows} rows, {pace:.0} rows/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_the_pace() {
        let progress = CopyProgress {
            table: "events",
            step: CopyStep::Checking,
            rows: 90_000,
            done: false,
        };
        assert_eq!(
            line(progress, Duration::from_secs(3)),
            "comparing events: 90000 rows, 30000 rows/s"
        );
    }
}
