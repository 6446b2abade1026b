//! `cargo xtask credits`: what whoever runs the server does with the credits of organisations.

use crate::database::DatabaseArguments;
use crate::process;
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use runloom_domain::{Clock, CreditEntryId, OrgId, SystemClock};
use runloom_store::{By, CreditEntry, CreditKind, Once};
use runloom_store_sql::Database;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The organisation's id, as GET /v1/me shows it
    org: OrgId,
    /// Credits to add
    #[arg(long, conflicts_with = "adjust", value_parser = clap::value_parser!(i64).range(1..))]
    top_up: Option<i64>,
    /// Credits to add or, below zero, to take away, to put something right
    #[arg(long, allow_negative_numbers = true)]
    adjust: Option<i64>,
    /// What to write beside it
    #[arg(long)]
    note: Option<String>,
    /// Whether the organisation's runs need credits
    #[arg(long)]
    metered: Option<Rule>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// An organisation's own rule, or none.
#[derive(Clone, Copy, ValueEnum)]
enum Rule {
    Yes,
    No,
    /// As the server's settings say
    Default,
}

impl Rule {
    const fn as_option(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Default => None,
        }
    }
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
    if let Some(rule) = arguments.metered {
        let known = store
            .set_metered(org, rule.as_option(), By::operator(SystemClock.now()))
            .await?;
        ensure!(known, "there is no organisation {org}");
    }
    if let Some(entry) = entry(arguments) {
        let added = store
            .add_credits(org, entry, None, By::operator(SystemClock.now()))
            .await?;
        ensure!(added == Once::Done(true), "there is no organisation {org}");
    }
    let balance = store.balance(org).await?;
    let metered = match balance.metered {
        Some(true) => "needs credits",
        Some(false) => "needs no credits",
        None => "needs credits if the server's settings say so",
    };
    process::step(&format!(
        "{org} {metered}; balance {}, of which runs hold {}",
        balance.credits, balance.reserved
    ));
    Ok(())
}

fn entry(arguments: &Arguments) -> Option<CreditEntry> {
    let (kind, credits) = match (arguments.top_up, arguments.adjust) {
        (Some(credits), _) => (CreditKind::TopUp, credits),
        (None, Some(credits)) => (CreditKind::Adjust, credits),
        (None, None) => return None,
    };
    let now = SystemClock.now();
    Some(CreditEntry {
        entry_id: CreditEntryId::generate(now),
        kind,
        credits,
        run_id: None,
        note: arguments.note.clone(),
        created_by: None,
        created_at: now,
    })
}
