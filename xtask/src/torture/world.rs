//! All parts of a run of the driver: nodes, database, NATS, the proxies between them, and the
//! provider.

mod database;
mod nats;
mod node;
pub(crate) mod settings;

pub(crate) use database::Database;
pub(crate) use nats::NatsPart;
pub(crate) use node::{Binaries, Node, bad_lines};

use super::effects::Effects;
use super::provider::Provider;
use super::proxy::Proxy;
use super::seen::Notes;
use crate::parts::postgres;
use crate::process::Interrupt;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The parts. Dropping them ends what they started.
pub(crate) struct World {
    // Dropped in this order: who depends on another goes first.
    pub(crate) nodes: Vec<Mutex<Node>>,
    pub(crate) links: Vec<Proxy>,
    pub(crate) nats_links: Vec<Proxy>,
    pub(crate) database: Mutex<Database>,
    pub(crate) nats: Mutex<NatsPart>,
    pub(crate) provider: Provider,
    pub(crate) effects: Effects,
    pub(crate) notes: Arc<Notes>,
    /// Of each node.
    pub(crate) addresses: Vec<String>,
    pub(crate) key: String,
    pub(crate) database_url: String,
}

/// What a world is made of.
pub(crate) struct Plan<'a> {
    pub(crate) nodes: usize,
    pub(crate) binaries: Binaries,
    pub(crate) planted_bug: Option<&'a str>,
    /// Of the library that makes clocks wrong, if it is needed.
    pub(crate) faketime: Option<PathBuf>,
    /// Takes data, configuration and logs.
    pub(crate) folder: &'a Path,
}

impl World {
    pub(crate) async fn start(
        interrupt: &Interrupt,
        plan: &Plan<'_>,
        notes: Arc<Notes>,
    ) -> Result<Self> {
        let programs = postgres::binaries(interrupt).await?;
        let database = Database::start(interrupt, &programs).await?;
        let nats = NatsPart::start(interrupt, plan.folder).await?;
        let provider = Provider::start(Arc::clone(&notes))?;
        let config = plan.folder.join("runloom.toml");
        std::fs::write(&config, settings::toml(provider.port))
            .with_context(|| format!("can't write {}", config.display()))?;

        let (mut nodes, mut links, mut nats_links) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..plan.nodes {
            let link = Proxy::start(database.port()).await?;
            let nats_link = Proxy::start(nats.port()).await?;
            let mut environment = settings::environment(&config, link.port, nats_link.port);
            if let Some(bug) = plan.planted_bug {
                environment.push(("RUNLOOM_PLANTED_BUG", bug.to_owned()));
            }
            let mut node = Node::new(index, plan, environment)?;
            // The first one makes the schema and the first account.
            node.start(interrupt, 0).await?;
            nodes.push(node);
            links.push(link);
            nats_links.push(nats_link);
        }
        let first = nodes.first().context("a world needs a node")?;
        let key = first.first_key()?;
        let ledgers = nodes.iter().map(Node::ledger).collect();
        Ok(Self {
            addresses: nodes.iter().map(Node::address).collect(),
            database_url: database.url().to_owned(),
            nodes: nodes.into_iter().map(Mutex::new).collect(),
            links,
            nats_links,
            database: Mutex::new(database),
            nats: Mutex::new(nats),
            provider,
            effects: Effects::watch(ledgers, Arc::clone(&notes)),
            notes,
            key,
        })
    }

    /// Undoes what lasts and brings back what is gone.
    pub(crate) async fn heal(&self, interrupt: &Interrupt) -> Result<()> {
        for link in self.links.iter().chain(&self.nats_links) {
            link.heal();
        }
        self.database.lock().await.revive(interrupt).await?;
        self.nats.lock().await.revive(interrupt).await?;
        for node in &self.nodes {
            node.lock().await.revive(interrupt).await?;
        }
        Ok(())
    }
}
