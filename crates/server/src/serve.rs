//! Starting, running and stopping the server.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use anyhow::{Context, Result, bail};

use runloom_accounts::Accounts;
use runloom_domain::{Clock, SystemClock};
use runloom_engine::{Engine, EngineConfig, EngineParts};
use runloom_http::{Configuring, HttpParts, HttpState, ListenSettings, MetricsSource, listen};
use runloom_net::guard::Guard;
use runloom_store_sql::Database;
use runloom_tools::http_tool::HttpTools;
use runloom_tools::mcp::{Pool, PoolOptions};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, McpServerSettings};
use crate::housekeeping::Housekeeper;
use crate::wiring::{
    Discoverer, DiscovererParts, Opened, OrgCatalog, OrgTools, OrgToolsParts, OwnEndpoints,
    PlatformTools,
};
use crate::{audit, first_start, wiring};

/// How long runs may take to reach a step boundary when the server stops; those that haven't
/// are then interrupted, and go on elsewhere from their last step.
const HAND_OVER: Duration = Duration::from_millis(1_500);

/// How long stopping may take in all. Whoever sent SIGTERM commonly kills after 30 s.
const STOP: Duration = Duration::from_secs(25);

/// Serves until `shutdown` ends, then stops cleanly: readiness fails, event streams end with a
/// hint to come again, runs are handed over, requests end, the database is closed.
///
/// Must be called on a multi-thread tokio runtime. Dropping the future stops the listeners but
/// hands nothing over; what was committed is safe, as after a crash.
pub async fn serve(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
    let parts = Parts::start(&config).await?;
    let server = parts.listen(&config).await?;
    let handle = server.handle();
    let mut server = tokio::spawn(server);
    tokio::select! {
        () = shutdown => {}
        ended = &mut server => {
            ended.context("the HTTP server panicked")??;
            bail!("the HTTP server ended by itself");
        }
    }
    let stopped = tokio::time::timeout(STOP, parts.stop(&handle)).await;
    stopped.unwrap_or_else(|_| bail!("stopping took longer than {} s", STOP.as_secs()))
}

/// Everything that runs.
struct Parts {
    database: Arc<dyn Database>,
    /// Its lock is held until everything has stopped.
    _identity: Option<wiring::Identity>,
    accounts: Arc<Accounts>,
    engine: Engine,
    metrics: Option<Arc<dyn MetricsSource>>,
    configuring: Configuring,
    /// Connections to organisations' MCP servers.
    pool: Pool,
    platform_tools: Arc<PlatformTools>,
    clock: Arc<dyn Clock>,
    listener: TcpListener,
    drain: CancellationToken,
}

impl Parts {
    /// Takes the port before anything is written, so that a wrong start leaves nothing behind.
    async fn start(config: &Config) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let started = clock.now();
        let tools = wiring::tools(config, Arc::clone(&clock))?;
        let platform = Arc::new(wiring::platform(config, &tools)?);
        let models = wiring::models(config)?;
        let listener = take_port(config.listen.address)?;
        let Opened { database, identity } = wiring::open(config, Arc::clone(&clock)).await?;
        let keys = wiring::keys(config)?;
        let vault = Arc::new(keys.vault(database.clone(), Arc::clone(&clock)));
        let own = OwnEndpoints {
            store: database.clone(),
            vault: Arc::clone(&vault),
        };
        let models = Arc::new(wiring::with_own(models, config, Arc::new(own))?);
        let guard = Guard::new(config.net.to_policy());
        let pool = Pool::new(guard.clone(), PoolOptions::default());
        let own_tools = OrgToolsParts {
            store: database.clone(),
            vault: Arc::clone(&vault),
            pool: pool.clone(),
            http: HttpTools::new(guard, Arc::clone(&clock))
                .context("can't set up the client for organisations' tools")?,
            refresh: config.tools.mcp_refresh(),
        };
        let own_tools = Arc::new(OrgTools::new(own_tools));
        let discoverer = DiscovererParts {
            store: database.clone(),
            vault: Arc::clone(&vault),
            pool: pool.clone(),
            own: Arc::clone(&own_tools),
            clock: Arc::clone(&clock),
            every: config.tools.mcp_refresh(),
        };
        let discoverer = Arc::new(Discoverer::new(discoverer));
        let servers = config.mcp_servers.iter().map(McpServerSettings::to_spec);
        let platform_tools = Arc::new(PlatformTools::new(servers.collect()));
        let configuring = wiring::configuring(
            config,
            vault,
            Arc::clone(&platform),
            Arc::clone(&models),
            &tools,
            discoverer.clone(),
            platform_tools.clone(),
        );
        let accounts = Accounts::new(
            database.clone(),
            database.clone(),
            Arc::clone(&clock),
            &keys.tokens(),
            config.auth.to_config(config.mode),
        );
        let housekeeper =
            Housekeeper::new(database.clone(), Arc::clone(&clock), &config.housekeeping);
        let limits_storage = config.limits.stored_bytes_per_org > 0;
        let housekeeper = housekeeper.measuring_all(limits_storage);
        housekeeper.prepare().await;
        let signals = wiring::signals(&config.nats, &*database).await?;
        let engine = EngineParts {
            store: database.clone(),
            models,
            tools,
            sources: vec![own_tools.clone(), platform_tools.clone()],
            catalog: Arc::new(OrgCatalog::new(platform, database.clone()).telling(own_tools)),
            clock: Arc::clone(&clock),
            signals,
        };
        let mut engine_config = EngineConfig {
            node: identity.as_ref().map(|identity| identity.node),
            ..config.engine.to_config()
        };
        config.credits.tell_engine(&mut engine_config);
        let engine = Engine::start(engine, engine_config).await;
        let engine = engine.context("can't start the engine")?;
        let metrics = wiring::metrics(config, &engine, &database, started)?;
        let drain = CancellationToken::new();
        tokio::spawn(housekeeper.run(drain.clone()));
        tokio::spawn(audit::seal(database.clone(), drain.clone()));
        tokio::spawn(Arc::clone(&platform_tools).keep(drain.clone()));
        tokio::spawn(discoverer.run(drain.clone()));
        Ok(Self {
            database,
            _identity: identity,
            accounts: Arc::new(accounts),
            engine,
            metrics,
            configuring,
            pool,
            platform_tools,
            clock,
            listener,
            drain,
        })
    }

    /// Makes the first account if there is none, and says where the server is.
    async fn listen(&self, config: &Config) -> Result<Server> {
        let listener = self.listener.try_clone().context("can't share the port")?;
        let address = listener.local_addr().context("can't tell the port")?;
        let owner = self.accounts.first_owner("owner", "owner@localhost").await;
        let owner = owner.context("can't make the first account")?;
        first_start::introduce(config, address, owner.as_ref());
        let server = runloom_http::server(listener, self.http_state(config))
            .context("can't start the HTTP server")?;
        first_start::greet(address, owner.as_ref());
        tracing::info!(%address, mode = %config.mode, "serving");
        Ok(server)
    }

    fn http_state(&self, config: &Config) -> HttpState {
        let mut settings = config.http.to_settings();
        config.credits.tell_http(&mut settings);
        config.limits.tell_http(config.mode, &mut settings);
        HttpState::new(HttpParts {
            engine: self.engine.clone(),
            store: self.database.clone(),
            accounts: Arc::clone(&self.accounts),
            configuring: self.configuring.clone(),
            clock: Arc::clone(&self.clock),
            readiness: Arc::new(wiring::DatabaseReadiness(Arc::clone(&self.database))),
            metrics: self.metrics.clone(),
            runtime: Handle::current(),
            drain: self.drain.clone(),
            settings,
        })
    }

    /// Requests are answered while runs are handed over: `/readyz` says no, and whoever asks
    /// for an event stream is sent elsewhere.
    async fn stop(&self, server: &ServerHandle) -> Result<()> {
        self.drain.cancel();
        self.engine.drain(HAND_OVER).await;
        server.stop(true).await;
        tokio::join!(self.pool.shutdown(), self.platform_tools.stop());
        audit::seal_rest(&*self.database).await;
        let closed = self.database.close().await;
        closed.context("can't close the database")
    }
}

fn take_port(address: SocketAddr) -> Result<TcpListener> {
    listen(address, ListenSettings::default()).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is in use; RUNLOOM_LISTEN chooses another address")
        }
        _ => anyhow::Error::new(error).context(format!("can't listen on {address}")),
    })
}
