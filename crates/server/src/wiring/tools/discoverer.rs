//! Asking organisations' MCP servers for their tools, also when nobody says so.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_accounts::Vault;
use runloom_domain::{Clock, McpServerId, OrgId, Timestamp};
use runloom_engine::port::tool::ToolError;
use runloom_http::{Refreshed, ToolServers};
use runloom_store::{
    DiscoveryError, FoundTool, McpListing, McpServerRecord, Store, StoreError, Update,
    WantedDiscovery,
};
use runloom_tools::mcp::Pool;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::OrgTools;
use super::mcp;
use crate::spread::spread;

/// How long a server may take to list its tools.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is tried to note what a server lists while others change the server.
const TRIES: usize = 5;

/// How many are asked at once. Each costs a connection.
const AT_ONCE: usize = 4;

/// How long no other node asks a server that this one has taken. Longer than asking takes.
const HOLD: Duration = Duration::from_mins(2);

/// How often it is looked for servers that are due, and for connections that nobody wants any
/// more because another node was told so.
const LOOK: Duration = Duration::from_secs(5);

/// How often a server is asked whose organisation begins no runs.
const UNUSED: Duration = Duration::from_hours(24);

/// How long a server is left alone that has failed once; twice as long each time, up to an hour.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_hours(1);

/// What asking servers needs.
pub(crate) struct DiscovererParts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    /// Connections to organisations' MCP servers.
    pub(crate) pool: Pool,
    pub(crate) own: Arc<OrgTools>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How old the list of a server gets whose organisation begins runs.
    pub(crate) every: Duration,
}

/// Asks organisations' servers for their tools: when they are made or changed, when they say so,
/// and when their lists are old. Every node does; the store gives each due server to one.
pub(crate) struct Discoverer(DiscovererParts);

impl Discoverer {
    pub(crate) fn new(parts: DiscovererParts) -> Self {
        Self(parts)
    }

    /// Goes on until `drain`. What is being asked then is asked by somebody later.
    pub(crate) async fn run(self: Arc<Self>, drain: CancellationToken) {
        drain.run_until_cancelled(self.rounds()).await;
    }

    async fn rounds(self: &Arc<Self>) {
        let mut asking = JoinSet::new();
        let mut heard = Instant::now();
        loop {
            self.round(&mut asking).await;
            let changed = async move {
                // A server that says so all the time is asked now and then.
                sleep_until(heard + LOOK).await;
                self.0.pool.changed().await
            };
            tokio::select! {
                () = self.0.own.wanted() => {}
                Some(_) = asking.join_next() => {}
                servers = changed => {
                    heard = Instant::now();
                    for server in servers {
                        self.changed(&server).await;
                    }
                }
                () = sleep(spread(LOOK)) => {}
            }
        }
    }

    /// Begins to ask what is due, as far as there is room.
    async fn round(self: &Arc<Self>, asking: &mut JoinSet<()>) {
        while asking.try_join_next().is_some() {}
        self.0.own.end_unwanted().await;
        let before = self.long_ago();
        for org in self.0.own.take_used() {
            self.want(org, WantedDiscovery::AskedBefore(before)).await;
        }
        let room = AT_ONCE.saturating_sub(asking.len());
        if room == 0 {
            return;
        }
        let due = self.0.store.claim_discoveries(room as u32, HOLD).await;
        let due = due.unwrap_or_else(|error| {
            tracing::warn!(%error, "it can't be told which MCP servers are due");
            vec![]
        });
        for (org, server) in due {
            let this = Arc::clone(self);
            asking.spawn(async move { this.ask_taken(org, server).await });
        }
    }

    fn long_ago(&self) -> Timestamp {
        let every = i64::try_from(self.0.every.as_micros()).unwrap_or(i64::MAX);
        let now = self.0.clock.now().as_micros();
        Timestamp::from_micros(now.saturating_sub(every))
    }

    /// A server has said on a connection of runs that its tools changed.
    async fn changed(&self, server: &str) {
        let id = server.parse().ok();
        if let Some((org, id)) = id.and_then(|id| Some((self.0.own.owner(id)?, id))) {
            self.want(org, WantedDiscovery::Server(id)).await;
        }
    }

    async fn want(&self, org: OrgId, wanted: WantedDiscovery) {
        if let Err(error) = self.0.store.want_discovery(org, wanted).await {
            tracing::warn!(%error, %org, "MCP servers can't be asked for their tools");
        }
    }

    async fn ask_taken(&self, org: OrgId, server: McpServerId) {
        let asked = async {
            let Some(found) = self.0.store.mcp_server(org, server).await? else {
                return Ok(());
            };
            let before = found.version;
            let Refreshed::Listed(update) = self.refresh(found).await? else {
                return Ok(());
            };
            match *update {
                Update::Done(listing) if listing.server.version != before => {
                    self.0.own.changed(org);
                }
                Update::Stale => self.want(org, WantedDiscovery::Server(server)).await,
                Update::Done(_) | Update::Absent => {}
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = asked.await {
            tracing::warn!(%error, %server, "what an MCP server lists can't be kept");
        }
    }

    /// On a connection of its own: the one that runs use stays as it is, and may have listed the
    /// tools long ago.
    async fn ask(&self, server: &McpServerRecord) -> Result<Vec<FoundTool>, ToolError> {
        let asked = mcp::discover(&self.0.pool, &self.0.vault, server);
        let late = |_| ToolError::new("tool.timeout", "the server didn't list its tools in time");
        timeout(PATIENCE, asked).await.map_err(late).flatten()
    }

    /// Notes what a server lists. What others have noted meanwhile, or approved, is no reason to
    /// ask it again; that it is reached in another way by now is one.
    async fn put(
        &self,
        asked: &McpServerRecord,
        found: Vec<FoundTool>,
    ) -> Result<Update<McpListing>, StoreError> {
        let (store, org, id) = (&self.0.store, asked.org_id, asked.server_id);
        let mut version = asked.version;
        for _ in 0..TRIES {
            let (at, next) = (self.0.clock.now(), spread(UNUSED));
            let put = store.put_discovery(org, id, version, found.clone(), at, next);
            match put.await? {
                Update::Stale => {}
                done => return Ok(done),
            }
            match store.mcp_server(org, id).await? {
                Some(now) if now.settings.is_asked_as(&asked.settings) => version = now.version,
                Some(_) => break,
                None => return Ok(Update::Absent),
            }
        }
        Ok(Update::Stale)
    }

    async fn failed(
        &self,
        server: &McpServerRecord,
        error: ToolError,
    ) -> Result<Refreshed, StoreError> {
        let (org, id) = (server.org_id, server.server_id);
        let noted = DiscoveryError {
            class: error.class.clone(),
            // Its own words may hold what no text in a database may.
            message: error.message.replace('\0', " "),
        };
        let (at, next) = (self.0.clock.now(), after(server.discovery.failures));
        let noted = self
            .0
            .store
            .put_discovery_failure(org, id, server.version, noted, at, next);
        noted.await?;
        Ok(Refreshed::Failed(error))
    }
}

#[async_trait]
impl ToolServers for Discoverer {
    async fn refresh(&self, server: McpServerRecord) -> Result<Refreshed, StoreError> {
        let found = match self.ask(&server).await {
            Ok(found) => found,
            Err(error) => return self.failed(&server, error).await,
        };
        match self.put(&server, found).await {
            Ok(update) => Ok(Refreshed::Listed(Box::new(update))),
            Err(StoreError::Rejected(_)) => {
                let why = "what the server lists can't be stored";
                self.failed(&server, ToolError::unavailable(why)).await
            }
            Err(error) => Err(error),
        }
    }
}

/// How long a server is left alone that has failed so often before, and now again.
fn after(failures: u32) -> Duration {
    let doubled = AFTER_FAILURE.saturating_mul(1 << failures.min(16));
    spread(doubled.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_again_is_left_alone_for_longer() {
        let (first, second) = (after(0), after(1));
        assert!(first >= AFTER_FAILURE && second >= 2 * AFTER_FAILURE);
        assert!(first < second);
        for failures in [7, 100, u32::MAX] {
            let longest = after(failures);
            assert!(longest >= LONGEST && longest <= LONGEST.mul_f64(1.1));
        }
    }
}
