//! Several nodes on one database.

use super::measure::Bench;
use super::report::Measured;
use super::row::{End, Hints, Row};
use super::server::{Peer, Server};
use crate::parts::{nats, port};
use anyhow::{Context as _, Result};
use runloom_store_sql::testing::deadlocks;

/// The node that runs are created on, the others, and what carries hints between them.
struct Nodes {
    // Dropped in this order.
    peers: Vec<Peer>,
    owner: Server,
    _nats: Option<nats::Nats>,
}

impl Bench<'_> {
    /// Runs watched on the node that works on them and on another.
    pub(super) async fn elsewhere(&self, row: &Row, runs: usize, hints: Hints) -> Result<Measured> {
        let nodes = self.nodes(1, hints).await?;
        let mut load = vec!["elsewhere".to_owned()];
        load.extend(["--runs".to_owned(), runs.to_string()]);
        self.load_nodes(row, nodes, load).await
    }

    /// Runs whose node ends, watched on another.
    pub(super) async fn lost(&self, row: &Row, runs: usize, end: End) -> Result<Measured> {
        let nodes = self.nodes(2, Hints::Database).await?;
        let mut load = vec!["lost".to_owned()];
        load.extend(["--runs".to_owned(), runs.to_string()]);
        load.extend(["--process".to_owned(), nodes.owner.id().to_string()]);
        load.extend(["--end".to_owned(), end.as_str().to_owned()]);
        self.load_nodes(row, nodes, load).await
    }

    /// Credentials; on a database that several nodes may share also at another node.
    pub(super) async fn auth(&self, row: &Row) -> Result<Measured> {
        let server = self.server().await?;
        let peer = match &server.database {
            Some(_) => Some(server.peer(self.interrupt, &self.folder).await?),
            None => None,
        };
        let mut load = vec!["auth".to_owned()];
        if let Some(peer) = &peer {
            load.extend(["--other".to_owned(), format!("127.0.0.1:{}", peer.port)]);
        }
        let child = self.start_load(server.port, &server.key, &load)?;
        let result = self.unless_interrupted(child.result()).await?;
        Ok(Measured::from_load(row.name(), result))
    }

    /// Clients spread over three nodes.
    pub(super) async fn nodes_at_once(&self, row: &Row, clients: usize) -> Result<Measured> {
        let nodes = self.nodes(2, Hints::Database).await?;
        let mut load = vec![
            "closed".to_owned(),
            "--clients".to_owned(),
            clients.to_string(),
        ];
        for peer in &nodes.peers {
            load.extend(["--other".to_owned(), format!("127.0.0.1:{}", peer.port)]);
        }
        let child = self.start_load(nodes.owner.port, &nodes.owner.key, &load)?;
        let result = self.unless_interrupted(child.result()).await?;
        let mut measured = Measured::from_load(row.name(), result);
        if let Some(cluster) = &nodes.owner.database {
            let log = cluster.log()?;
            let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count() as u64;
            measured.count("deadlocks", deadlocks(&cluster.url).await?);
            measured.count("deadlocks_logged", lines("deadlock detected"));
            measured.count(
                "serialization_failures",
                lines("could not serialize access"),
            );
            measured.count("errors_of_the_database", lines("ERROR:"));
        }
        Ok(measured)
    }

    async fn load_nodes(&self, row: &Row, nodes: Nodes, mut load: Vec<String>) -> Result<Measured> {
        let other = nodes.peers.first().context("there is no other node")?;
        load.extend(["--other".to_owned(), format!("127.0.0.1:{}", other.port)]);
        let child = self.start_load(nodes.owner.port, &nodes.owner.key, &load)?;
        let result = self.unless_interrupted(child.result()).await?;
        Ok(Measured::from_load(row.name(), result))
    }

    async fn nodes(&self, peers: usize, hints: Hints) -> Result<Nodes> {
        let nats = match hints {
            Hints::Nats => Some(nats::start(self.interrupt, port::free()?, &self.folder).await?),
            Hints::Database | Hints::None => None,
        };
        let url = match (&nats, hints) {
            (Some(nats), _) => Some(nats.url.clone()),
            // Nobody listens there.
            (None, Hints::None) => Some(format!("nats://127.0.0.1:{}", port::free()?)),
            (None, _) => None,
        };
        let environment = url.map(|url| ("RUNLOOM_NATS_URL", url));
        let environment: Vec<_> = environment.into_iter().collect();
        let owner = self.server_with(environment).await?;
        let mut all = Vec::new();
        for _ in 0..peers {
            all.push(owner.peer(self.interrupt, &self.folder).await?);
        }
        Ok(Nodes {
            peers: all,
            owner,
            _nats: nats,
        })
    }
}
