//! `cargo xtask bench-claim`: takes all due runs of a database one by one, and gives them back.

use super::load::result::{LoadResult, Times};
use crate::database::DatabaseArguments;
use anyhow::{Context, Result};
use clap::Args;
use runloom_domain::{Clock, NodeId, SystemClock};
use std::sync::Arc;
use std::time::Instant;

/// How often a node looks and finds nothing, and how often it looks for runs of lost nodes.
const LOOKS: usize = 200;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let store = arguments
        .database
        .choose()?
        .open(Arc::new(SystemClock))
        .await?;
    let node = NodeId::generate(SystemClock.now());
    store.renew_lease(node).await.context("no lease")?;
    let (mut claim, mut nothing, mut lost) = (Times::new()?, Times::new()?, Times::new()?);
    let mut result = LoadResult::default();
    let all = Instant::now();
    loop {
        let begin = Instant::now();
        let claimed = store.claim(node, 1).await.context("can't claim")?;
        if claimed.is_empty() {
            break;
        }
        claim.record(begin.elapsed());
        result.done += 1;
    }
    result.seconds = all.elapsed().as_secs_f64();
    for _ in 0..LOOKS {
        let begin = Instant::now();
        store.claim(node, 1).await.context("can't claim")?;
        nothing.record(begin.elapsed());
        let begin = Instant::now();
        store
            .free_lost(node)
            .await
            .context("can't look for lost runs")?;
        lost.record(begin.elapsed());
    }
    store.end_lease(node).await.context("can't give up")?;
    store.close().await.context("can't close the database")?;
    result.latencies = [
        ("claim", claim),
        ("claim_nothing", nothing),
        ("free_lost", lost),
    ]
    .map(|(name, times)| (name.to_owned(), times.quantiles()))
    .into();
    let json = serde_json::to_string(&result).context("can't write the result")?;
    println!("{json}");
    Ok(())
}
