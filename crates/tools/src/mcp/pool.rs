//! The servers of this process.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use runloom_net::guard::Guard;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use super::catalog::{Catalog, McpToolInfo};
use super::changes::Changes;
use super::error::McpError;
use super::parked::Parked;
use super::server::Server;
use super::spec::McpServerSpec;
use super::tool::McpTool;

/// How long a shutdown takes at most.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// How often what is idle or over is looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// What a pool may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// How many connections there may be at once. Default 256.
    pub connections: usize,
    /// How long a connection may be of no use before it is closed. Default 10 min.
    pub idle: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            connections: 256,
            idle: Duration::from_mins(10),
        }
    }
}

/// The connections to servers of tools, one for each server, shared by all runs. They are made
/// when they are needed and again when they broke. Clones are the same pool; dropping the last
/// one ends its servers in the background.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

struct Owner(Arc<Shared>);

pub(super) struct Shared {
    pub(super) guard: Guard,
    pub(super) parked: Parked,
    pub(super) closing: CancellationToken,
    pub(super) changes: Arc<Changes>,
    options: PoolOptions,
    permits: Arc<Semaphore>,
    servers: Mutex<HashMap<String, Arc<Server>>>,
}

/// A server in a pool. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    pub(super) server: Arc<Server>,
    pub(super) pool: Arc<Shared>,
}

impl Pool {
    /// A pool without servers. Needs a runtime of tokio around it.
    pub fn new(guard: Guard, options: PoolOptions) -> Self {
        let shared = Arc::new(Shared {
            guard,
            parked: Parked::default(),
            closing: CancellationToken::new(),
            changes: Arc::default(),
            permits: Arc::new(Semaphore::new(options.connections)),
            options,
            servers: Mutex::default(),
        });
        tokio::spawn(sweep(Arc::clone(&shared)));
        Self(Arc::new(Owner(shared)))
    }

    /// The server with this description's id. It isn't started or connected to before it is
    /// needed. One whose description has changed is closed, and its open calls fail.
    pub fn server(&self, spec: McpServerSpec) -> McpServer {
        let pool = Arc::clone(&self.0.0);
        let mut servers = pool.lock();
        let known = servers.get(&spec.id).filter(|known| *known.spec == spec);
        let server = known.cloned().unwrap_or_else(|| {
            let id = spec.id.clone();
            let server = Arc::new(Server::new(Arc::new(spec)));
            let old = servers.insert(id, Arc::clone(&server));
            retire_soon(old);
            server
        });
        // Under the lock, so that it isn't swept away between here and its first call.
        server.touch();
        drop(servers);
        McpServer { server, pool }
    }

    /// Forgets a server that isn't wanted any more and closes its connection. Calls that are
    /// open fail, and so do those of whoever holds it still.
    pub fn forget(&self, id: &str) {
        retire_soon(self.0.0.lock().remove(id));
    }

    /// Whether there is a server of this id, connected or not. One that nobody has used for as
    /// long as a connection may be idle is forgotten.
    pub fn holds(&self, id: &str) -> bool {
        self.0.0.lock().contains_key(id)
    }

    /// Waits until servers to which there are connections have said that their tools changed,
    /// and returns their ids. One waiter at a time; dropping the future loses none.
    pub async fn changed(&self) -> BTreeSet<String> {
        self.0.0.changes.next().await
    }

    /// Ends all servers, within two seconds. Calls that are open fail, and so do later ones.
    pub async fn shutdown(&self) {
        let shared = &self.0.0;
        shared.closing.cancel();
        shared.parked.clear();
        let servers: Vec<_> = shared.lock().drain().map(|(_, server)| server).collect();
        let closed = join_all(servers.iter().map(|server| server.close()));
        if timeout(SHUTDOWN, closed).await.is_err() {
            tracing::warn!("not all servers of tools have ended in time");
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.closing.cancel();
    }
}

impl McpServer {
    /// Its description.
    pub fn spec(&self) -> &McpServerSpec {
        &self.server.spec
    }

    /// Its tools. Starts it or connects to it if need be, and asks it if they may have changed.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, McpError> {
        let connection = self.server.connection(&self.pool).await?;
        self.server.catalog(&connection).await
    }

    /// Its tools as they were listed last by this process, if they were. Never waits.
    pub fn known(&self) -> Option<Arc<Catalog>> {
        self.server.known()
    }

    /// One of its tools, as a run knows it. Nothing is asked before it is called; then the call
    /// fails if the tool has become another one.
    pub fn tool(&self, info: McpToolInfo) -> McpTool {
        McpTool::new(self.clone(), info)
    }
}

impl Shared {
    /// The right to have one more connection. When there is none left, a server that nobody
    /// uses makes room.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, McpError> {
        let free = || Arc::clone(&self.permits).try_acquire_owned().ok();
        if let Some(permit) = free() {
            return Ok(permit);
        }
        if let Some(idle) = self.longest_idle() {
            idle.close().await;
        }
        let full = "too many servers of tools are in use";
        free().ok_or_else(|| McpError::Unavailable(full.into()))
    }

    fn longest_idle(&self) -> Option<Arc<Server>> {
        let servers = self.lock();
        let idle = servers.values().filter_map(|server| {
            let since = server.idle_since()?;
            Some((since, server))
        });
        idle.min_by_key(|(since, _)| *since)
            .map(|(_, server)| Arc::clone(server))
    }

    /// Takes out those that have been unused for too long.
    fn take_unused(&self) -> Vec<Arc<Server>> {
        let is_unused = |server: &Arc<Server>| {
            let since = server.unused_since();
            since.is_some_and(|since| since.elapsed() >= self.options.idle)
        };
        let mut servers = self.lock();
        let unused = servers.extract_if(|_, server| is_unused(server));
        unused.map(|(_, server)| server).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Server>>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn retire_soon(server: Option<Arc<Server>>) {
    if let Some(server) = server {
        tokio::spawn(async move { server.retire().await });
    }
}

/// Closes what is over, until the pool is.
async fn sweep(shared: Arc<Shared>) {
    let mut ticks = interval(SWEEP);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shared.closing.cancelled() => break,
        }
        shared.parked.sweep();
        for server in shared.take_unused() {
            server.retire().await;
        }
    }
    // After a shutdown there are none left; after the pool was dropped, all.
    let servers: Vec<_> = shared.lock().drain().map(|(_, server)| server).collect();
    join_all(servers.iter().map(|server| server.close())).await;
}
