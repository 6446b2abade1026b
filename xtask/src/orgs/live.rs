//! Ending the runs that an import has found live.

use crate::database::Chosen;
use crate::rights::say;
use anyhow::{Context, Result};
use runloom_domain::{OrgId, RunId, SystemClock, UserId};
use runloom_engine::port::catalog::FixedCatalog;
use runloom_engine::port::tool::ToolBox;
use runloom_engine::{Engine, EngineConfig, EngineParts};
use runloom_models::Models;
use std::sync::Arc;
use std::time::Duration;

/// Cancels runs as the people would who have created them: the machine closes what was open, and
/// the log ends with a proper event. Where they come from they may be going on, so here nothing
/// of theirs is started.
pub(super) async fn end(chosen: &Chosen, org: OrgId, live: &[(RunId, UserId)]) -> Result<()> {
    if live.is_empty() {
        return Ok(());
    }
    let clock = Arc::new(SystemClock);
    let database = chosen.open(clock.clone()).await?;
    let parts = EngineParts {
        store: database.clone(),
        models: Arc::new(Models::builder().build()?),
        tools: ToolBox::default(),
        sources: vec![],
        catalog: Arc::new(FixedCatalog {
            personas: vec![],
            routes: vec![],
        }),
        clock,
        signals: database.signals(),
    };
    // A node that takes no run.
    let config = EngineConfig {
        max_runs: 0,
        ..EngineConfig::default()
    };
    let engine = Engine::start(parts, config).await;
    let engine = engine.context("can't start the engine")?;
    let mut left = 0;
    for (run, user) in live {
        if let Err(error) = engine.cancel_run(org, *run, *user).await {
            left += 1;
            say(&format!("the run {run} has still to be cancelled: {error}"));
        }
    }
    engine.drain(Duration::from_secs(2)).await;
    database.close().await.context("can't close the database")?;
    say(&format!(
        "cancelled {} runs that had not ended",
        live.len() - left
    ));
    Ok(())
}
