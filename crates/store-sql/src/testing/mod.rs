//! Databases for tests and benchmarks: empty ones on PostgreSQL, as copies of a migrated one, and
//! those of any size, made by copying rows of real runs.
//!
//! A pattern is a run that the server has worked on, so that the copies have the shape that this
//! version writes. Nobody else may use the database meanwhile.

mod template;

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use runloom_domain::{OrgId, RunId, ThreadId};
use runloom_store::StoreError;
use tokio_postgres::{Client, NoTls};

pub use template::{postgres_database, postgres_migrations, postgres_template};

use crate::sqlite::FILE;

/// The kinds of lines that the export of an organisation may have, with the names of their fields.
pub fn exported() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    crate::rights::exported()
}

/// Runs that one statement makes at most; a multiple of those in a thread.
const AT_ONCE: u32 = 50_000;

/// A run that others are made after.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its thread.
    pub thread_id: ThreadId,
    /// The run.
    pub run_id: RunId,
}

/// What a database is filled with, beside what is there. Each but the last two can be done once.
#[derive(Clone, Copy, Debug)]
pub enum Fill {
    /// Runs that have ended like the pattern's, spread over the 30 days before it, ten in a
    /// thread, with its first three and last two events. Every thousandth has failed.
    Finished {
        /// How many.
        count: u32,
    },
    /// Runs that have begun like the pattern's and that nobody works on yet, each in a thread of
    /// its own.
    Due {
        /// How many.
        count: u32,
    },
    /// More messages in the pattern's thread, by turns of a person and of an agent.
    Messages {
        /// How many.
        count: u32,
    },
    /// Makes some of the pattern's events happen again and again, and ends its node's lease.
    Repeat {
        /// The first of these events.
        first: u64,
        /// The last of these events.
        last: u64,
        /// How many times more they happen.
        times: u32,
    },
}

/// Fills the SQLite database in a folder that no server uses. Blocks until it is done.
pub fn fill_sqlite(folder: &Path, pattern: Pattern, fill: Fill) -> Result<(), StoreError> {
    let path = folder.join(FILE);
    let path = path.to_str().unwrap_or_default();
    let mut c =
        SqliteConnection::establish(path).map_err(|error| StoreError::Unavailable(error.into()))?;
    // A crash of the machine may lose it all: it can be made again.
    c.batch_execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;")
        .map_err(rejected)?;
    for script in scripts(&Names::sqlite(pattern), fill) {
        c.batch_execute(&format!("BEGIN; {script} COMMIT;"))
            .map_err(rejected)?;
    }
    Ok(())
}

/// Fills a PostgreSQL database and lets it look at what it has.
pub async fn fill_postgres(url: &str, pattern: Pattern, fill: Fill) -> Result<(), StoreError> {
    let c = connect(url).await?;
    for script in scripts(&Names::postgres(pattern), fill) {
        c.batch_execute(&script).await.map_err(rejected)?;
    }
    c.batch_execute("VACUUM (ANALYZE)").await.map_err(rejected)
}

/// How often the PostgreSQL database had to end a transaction because it waited in a circle.
pub async fn deadlocks(url: &str) -> Result<u64, StoreError> {
    let c = connect(url).await?;
    let asked = "SELECT sum(deadlocks)::bigint FROM pg_stat_database";
    let row = c.query_one(asked, &[]).await.map_err(rejected)?;
    let count: i64 = row.try_get(0).map_err(rejected)?;
    Ok(count.unsigned_abs())
}

/// A session that ends with the client.
async fn connect(url: &str) -> Result<Client, StoreError> {
    let (client, driver) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(|error| StoreError::Unavailable(error.into()))?;
    tokio::spawn(driver);
    Ok(client)
}

fn rejected(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Rejected(error.into())
}

/// How a pattern is named in the statements of one database.
struct Names {
    ids: &'static str,
    new_id: &'static str,
    org: String,
    thread: String,
    run: String,
    pattern: Pattern,
}

impl Names {
    fn sqlite(pattern: Pattern) -> Self {
        let literal = |id: uuid::Uuid| format!("x'{}'", id.simple());
        Self::of(
            pattern,
            literal,
            include_str!("ids.sqlite.sql"),
            "randomblob(16)",
        )
    }

    fn postgres(pattern: Pattern) -> Self {
        let literal = |id: uuid::Uuid| format!("'{id}'::uuid");
        Self::of(
            pattern,
            literal,
            include_str!("ids.postgres.sql"),
            "gen_random_uuid()",
        )
    }

    fn of(
        pattern: Pattern,
        literal: impl Fn(uuid::Uuid) -> String,
        ids: &'static str,
        new_id: &'static str,
    ) -> Self {
        Self {
            ids,
            new_id,
            org: literal(pattern.org_id.as_uuid()),
            thread: literal(pattern.thread_id.as_uuid()),
            run: literal(pattern.run_id.as_uuid()),
            pattern,
        }
    }

    /// A script with names and values in their places.
    fn put(&self, script: &str, values: &[(&str, u64)]) -> String {
        let texts = [
            ("org", self.org.clone()),
            ("thread", self.thread.clone()),
            ("run", self.run.clone()),
            ("run_text", self.pattern.run_id.to_string()),
            ("thread_text", self.pattern.thread_id.to_string()),
            ("new_id", self.new_id.to_owned()),
        ];
        let values = values
            .iter()
            .map(|(name, value)| (*name, value.to_string()));
        texts
            .into_iter()
            .chain(values)
            .fold(script.to_owned(), |script, (name, value)| {
                script.replace(&format!("{{{name}}}"), &value)
            })
    }
}

/// The scripts that fill a database, each a transaction of its own.
fn scripts(names: &Names, fill: Fill) -> Vec<String> {
    match fill {
        Fill::Finished { count } => Runs::FINISHED.scripts(names, count),
        Fill::Due { count } => Runs::DUE.scripts(names, count),
        Fill::Messages { count } => {
            vec![names.put(include_str!("messages.sql"), &[("count", count.into())])]
        }
        Fill::Repeat { first, last, times } => {
            let shift = (last - first + 1) * u64::from(times);
            let values = [
                ("first", first),
                ("last", last),
                ("times", times.into()),
                ("shift", shift),
            ];
            vec![names.put(include_str!("repeat.sql"), &values)]
        }
    }
}

/// How new runs are made.
struct Runs {
    script: &'static str,
    /// Tells their ids from those of others made in the same millisecond; three digits.
    kind: &'static str,
    /// Seconds over which they are spread.
    age: u64,
    a_thread: u64,
    /// Whose messages they have.
    roles: &'static str,
}

impl Runs {
    const FINISHED: Self = Self {
        script: include_str!("finished.sql"),
        kind: "000",
        age: 30 * 24 * 3600,
        a_thread: 10,
        roles: "('user', 'assistant')",
    };
    const DUE: Self = Self {
        script: include_str!("due.sql"),
        kind: "001",
        age: 0,
        a_thread: 1,
        roles: "('user')",
    };

    fn scripts(&self, names: &Names, count: u32) -> Vec<String> {
        let script = format!(
            "{}{}{}",
            names.ids,
            include_str!("threads.sql"),
            self.script
        );
        let script = script
            .replace("{kind}", self.kind)
            .replace("{roles}", self.roles);
        let parts = (0..count).step_by(AT_ONCE as usize);
        parts
            .map(|before| {
                let values = [
                    ("from", u64::from(before) + 1),
                    ("to", u64::from(count.min(before + AT_ONCE))),
                    ("count", count.into()),
                    ("age", self.age),
                    ("a_thread", self.a_thread),
                ];
                names.put(&script, &values)
            })
            .collect()
    }
}
