//! `cargo xtask seed`: a demo organisation with a month of finished runs, or an organisation's
//! personas from files and to files.
//!
//! The demo's runs are real: the engine runs them with scripted models, on a clock that stands in the
//! past and is moved forward between them.

mod history;
mod people;
mod personas;
mod scenario;

use crate::database::DatabaseArguments;
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use runloom_domain::{Clock, ManualClock, SystemClock, Timestamp};
use runloom_engine::{Engine, EngineConfig, EngineParts};
use runloom_models::{Models, ScriptedModel};
use runloom_store_sql::Database;
use std::sync::Arc;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// How many runs
    #[arg(long, default_value_t = 300)]
    runs: usize,
    /// Something else than the demo
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Subcommand)]
enum Other {
    /// Write an organisation's personas to a folder, a file for each version
    ExportPersonas(personas::Arguments),
    /// Add the personas of a folder to an organisation's own
    ImportPersonas(personas::Arguments),
}

/// How long ago the first run was, and over what time they are spread. The rest leaves room for
/// the runs' own time.
const MONTH: Duration = Duration::from_hours(30 * 24);
const SPREAD: Duration = Duration::from_hours(29 * 24);

/// A clock in the past. Scripted models take no time, so each look at the clock does.
pub(crate) struct PastClock(ManualClock);

impl PastClock {
    fn new() -> Self {
        let month = i64::try_from(MONTH.as_micros()).unwrap_or(i64::MAX);
        let start = Timestamp::from_micros(SystemClock.now().as_micros() - month);
        Self(ManualClock::new(start))
    }

    fn advance(&self, by: Duration) {
        self.0.advance(by);
    }
}

impl Clock for PastClock {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_millis(35));
        self.0.now()
    }
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let chosen = arguments.database.choose()?;
    if let Some(other) = &arguments.other {
        let work = async |database: &dyn Database| match other {
            Other::ExportPersonas(arguments) => personas::export(database, arguments).await,
            Other::ImportPersonas(arguments) => personas::import(database, arguments).await,
        };
        return arguments.database.with(work).await;
    }
    // Leases go by the database's own clock, which stays in the present.
    let database = chosen.open(Arc::new(SystemClock)).await?;
    let clock = Arc::new(PastClock::new());
    let seeded = people::register(&database, &(clock.clone() as Arc<dyn Clock>)).await?;
    let Some(people) = seeded else {
        process::step(&format!(
            "{} has the demo organisation already",
            chosen.name()
        ));
        return database.close().await.context("can't close the database");
    };
    let scripted = ScriptedModel::new()
        .with_json(include_str!("seed/scripts.json"))
        .context("the scripts can't be read")?;
    let models = Models::builder().scripted(scripted).build()?;
    let parts = EngineParts {
        store: database.clone(),
        models: Arc::new(models),
        tools: runloom_tools::builtin(clock.clone()),
        sources: vec![],
        catalog: Arc::new(scenario::catalog()?),
        clock: clock.clone(),
        signals: None,
    };
    let engine = Engine::start(parts, EngineConfig::default())
        .await
        .context("can't start the engine")?;
    let history = history::History {
        engine: &engine,
        database: &database,
        clock: &clock,
        people: &people,
    };
    let counts = history.write(interrupt, arguments.runs, SPREAD).await;
    engine.drain(Duration::from_secs(2)).await;
    database.close().await.context("can't close the database")?;

    process::step(&format!("{} has the demo organisation now:", chosen.name()));
    for (status, count) in counts? {
        println!("{count:>6} runs {status}");
    }
    println!("login {}, password {}", people::OWNER, people::PASSWORD);
    println!("API key {}", people.api_key.expose());
    Ok(())
}
