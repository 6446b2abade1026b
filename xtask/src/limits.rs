//! `cargo xtask limits`: what an organisation may keep.

use anyhow::{Context, Result, ensure};
use clap::Args;
use runloom_domain::{Clock as _, OrgId, SystemClock};
use runloom_store::{By, Standing};
use runloom_store_sql::Database;

use crate::database::DatabaseArguments;
use crate::process;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The organisation's id, as GET /v1/me shows it
    org: OrgId,
    /// Threads that it may have: a number, 0 for no limit, or `default` for what the server's
    /// settings say
    #[arg(long)]
    threads: Option<String>,
    /// Bytes of text that it may keep, in the same words
    #[arg(long)]
    bytes: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let database = &arguments.database;
    database
        .with(async |store| change(store, arguments).await)
        .await
}

async fn change(store: &dyn Database, arguments: &Arguments) -> Result<()> {
    let org = arguments.org;
    // One that isn't there would be shown as one that has nothing.
    let known = store.org(org).await?;
    ensure!(known.is_some(), "there is no organisation {org}");
    let mut quota = store.standing(org).await?.quota;
    if let Some(said) = &arguments.threads {
        quota.threads = limit(said)?;
    }
    if let Some(said) = &arguments.bytes {
        quota.bytes = limit(said)?;
    }
    if arguments.threads.is_some() || arguments.bytes.is_some() {
        let known = store
            .set_quota(org, quota, By::operator(SystemClock.now()))
            .await?;
        ensure!(known, "there is no organisation {org}");
    }
    let Standing { stored_bytes, .. } = store.standing(org).await?;
    let (threads, bytes) = (shown(quota.threads), shown(quota.bytes));
    process::step(&format!(
        "{org} has at most: threads {threads}, bytes {bytes}; last measured: bytes {stored_bytes}"
    ));
    Ok(())
}

/// A limit as it is said: `default` is none of its own.
fn limit(said: &str) -> Result<Option<u64>> {
    if said == "default" {
        return Ok(None);
    }
    let limit = said.parse();
    let limit = limit.with_context(|| format!("{said} is neither a number nor `default`"))?;
    Ok(Some(limit))
}

fn shown(limit: Option<u64>) -> String {
    match limit {
        None => "as the server's settings say".to_owned(),
        Some(0) => "without limit".to_owned(),
        Some(limit) => limit.to_string(),
    }
}
