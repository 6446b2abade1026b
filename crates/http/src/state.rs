use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use runloom_accounts::{Accounts, Caller};
use runloom_domain::{Clock, OrgId, Timestamp};
use runloom_engine::Engine;
use runloom_store::{Store, StoreError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::configuring::Configuring;
use crate::entered::Entered;
use crate::error::ApiError;
use crate::limits::{CallerLimits, NoPlace, Rates, Standings, StreamCaps, StreamPlace};
use crate::metrics::{HttpMetrics, MetricsSource};
use crate::readiness::Readiness;

/// What the API is made of.
#[derive(Clone)]
pub struct HttpParts {
    /// Runs.
    pub engine: Engine,
    /// Threads, messages and lists.
    pub store: Arc<dyn Store>,
    /// Who is asking.
    pub accounts: Arc<Accounts>,
    /// What organisations may configure.
    pub configuring: Configuring,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What `/readyz` asks.
    pub readiness: Arc<dyn Readiness>,
    /// What `/metrics` shows besides the API's own; without it there is no such path.
    pub metrics: Option<Arc<dyn MetricsSource>>,
    /// The main multi-thread runtime, where calls into store and engine run.
    pub runtime: Handle,
    /// Cancelled when the server begins to stop: event streams end with a retry hint, and
    /// `/readyz` fails.
    pub drain: CancellationToken,
    /// How the API behaves.
    pub settings: HttpSettings,
}

/// How the API behaves.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Threads that serve requests.
    pub workers: usize,
    /// How long open requests may take once the server stops, in whole seconds.
    pub shutdown_timeout: Duration,
    /// Connections of one worker at most; more wait in the backlog.
    pub max_connections: usize,
    /// Open event streams at most; more get 503.
    pub max_streams: usize,
    /// How long a client may take to send a request's head.
    pub head_timeout: Duration,
    /// How long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// The longest silence on an event stream; a comment ends it.
    pub heartbeat: Duration,
    /// How often the credential of an open stream is looked at again. It happens at the next
    /// sign of life after that time, so the two together bound how long a stream outlives its
    /// credential; 60 s is promised.
    pub recheck: Duration,
    /// Whether an incoming `traceparent` is believed. Only when a proxy of the deployment's
    /// own sets it: else clients could choose their trace ids.
    pub trust_traceparent: bool,
    /// Whether organisations need credits, unless they have a rule of their own.
    pub metered: bool,
    /// Whether an organisation's owner may add credits by themselves. Only where credits are no
    /// money: else somebody who sells them does.
    pub self_service_credits: bool,
    /// Origins whose pages may use cookies, beside the server's own: `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Addresses of proxies that are believed when they say whom a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// For how many seconds browsers keep to HTTPS once they have used it; 0 says nothing of it.
    pub hsts_seconds: u64,
    /// How much callers may do.
    pub limits: CallerLimits,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            workers: 2,
            shutdown_timeout: Duration::from_secs(5),
            max_connections: 16_384,
            max_streams: 12_000,
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            recheck: Duration::from_secs(30),
            trust_traceparent: false,
            metered: false,
            self_service_credits: false,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            hsts_seconds: 0,
            limits: CallerLimits::default(),
        }
    }
}

/// What handlers share; cheap to clone.
#[derive(Clone)]
pub struct HttpState {
    parts: Arc<HttpParts>,
    streams: Arc<StreamCaps>,
    rates: Arc<Rates>,
    standings: Arc<Standings>,
    metrics: HttpMetrics,
}

impl HttpState {
    /// The state of one server.
    pub fn new(parts: HttpParts) -> Self {
        let HttpSettings {
            max_streams,
            limits,
            ..
        } = &parts.settings;
        Self {
            streams: Arc::new(StreamCaps::new(*max_streams, limits)),
            rates: Arc::new(Rates::new(limits)),
            standings: Arc::new(Standings::new()),
            parts: Arc::new(parts),
            metrics: HttpMetrics::new(),
        }
    }

    /// Runs.
    pub(crate) fn engine(&self) -> Engine {
        self.parts.engine.clone()
    }

    /// Threads, messages and lists.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.parts.store)
    }

    /// Who is asking.
    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&self.parts.accounts)
    }

    /// What organisations may configure.
    pub(crate) fn configuring(&self) -> &Configuring {
        &self.parts.configuring
    }

    /// What `/readyz` asks.
    pub(crate) fn readiness(&self) -> Arc<dyn Readiness> {
        Arc::clone(&self.parts.readiness)
    }

    /// What `/metrics` shows besides the API's own.
    pub(crate) fn metrics_source(&self) -> Option<Arc<dyn MetricsSource>> {
        self.parts.metrics.clone()
    }

    /// What the API counts and times.
    pub(crate) fn metrics(&self) -> &HttpMetrics {
        &self.metrics
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// How the API behaves.
    pub(crate) fn settings(&self) -> &HttpSettings {
        &self.parts.settings
    }

    /// Cancelled when the server begins to stop.
    pub(crate) fn drain(&self) -> &CancellationToken {
        &self.parts.drain
    }

    /// Carries out a call that only reads, or whose writes end by themselves, on this worker
    /// but with the main runtime's timers, sockets and tasks. Spares the two hand-overs
    /// between threads that [`run`](Self::run) costs.
    pub(crate) async fn read<T, E, F>(&self, call: F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<ApiError>,
    {
        Entered::new(&self.parts.runtime, call)
            .await
            .map_err(Into::into)
    }

    /// Polls `inner` as [`read`](Self::read) does.
    pub(crate) fn entered<S>(&self, inner: S) -> Entered<S> {
        Entered::new(&self.parts.runtime, inner)
    }

    /// Carries a call out on the main runtime. It runs to its end even when the returned
    /// future is dropped, as happens when a client goes away.
    pub(crate) async fn run<T, E, F>(&self, call: F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        match self.parts.runtime.spawn(call).await {
            Ok(outcome) => outcome.map_err(Into::into),
            Err(lost) => Err(ApiError::internal(lost)),
        }
    }

    /// Carries out a write to an organisation's configuration as [`run`](Self::run) does, and
    /// has the runs that are created after it see it.
    pub(crate) async fn configure<T, F>(&self, org: OrgId, write: F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
        T: Send + 'static,
    {
        let engine = self.engine();
        let noticed = async move {
            let outcome = write.await;
            // Also after a failure: the write may have happened all the same.
            engine.configuration_changed(org);
            outcome
        };
        self.run(noticed).await
    }

    /// A place among the open event streams, until it is dropped.
    pub(crate) fn open_stream(&self, caller: &Caller) -> Result<StreamPlace, NoPlace> {
        self.streams.take(caller, &self.metrics.open_streams)
    }

    /// How much organisations keep.
    pub(crate) fn standings(&self) -> &Standings {
        &self.standings
    }

    /// Who comes how often.
    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }
}
