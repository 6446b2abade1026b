use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use prometheus::proto::MetricFamily;

use runloom_accounts::{Accounts, AccountsConfig, MasterKey, TokenKeys, Vault};
use runloom_domain::{Clock, Persona, Route, SystemClock};
use runloom_engine::port::catalog::{FixedCatalog, RouteEntry};
use runloom_engine::port::model::{ModelError, ModelErrorKind};
use runloom_engine::port::tool::{ToolBox, ToolError};
use runloom_engine::{Engine, EngineConfig, EngineParts};
use runloom_http::{
    Configuring, CredentialProbe, HttpParts, HttpSettings, HttpState, ListenSettings,
    MetricsSource, PlatformServer, PlatformServers, Provider, Refreshed, StoreReadiness,
    ToolServers, UrlRules, listen, server,
};
use runloom_store::memory::MemoryStore;
use runloom_store::{CredentialRecord, LiveLimits, McpServerRecord, StoreError};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Request};
use crate::model::{Erase, Gate, Model};

/// The runtime of engine, store and clients; servers have threads of their own.
pub(crate) static MAIN: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// A server that lives as long as the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Gate,
    pub(crate) drain: CancellationToken,
    /// For what the API itself doesn't make.
    pub(crate) store: Arc<MemoryStore>,
    handle: actix_web::dev::ServerHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        let handle = self.handle.clone();
        MAIN.spawn(async move { handle.stop(false).await });
    }
}

/// Runs a test against a server of its own.
pub(crate) fn with_server<T: Future<Output = ()>>(test: impl FnOnce(Server) -> T) {
    with_settings(|_| {}, test);
}

/// The same with other settings.
pub(crate) fn with_settings<T: Future<Output = ()>>(
    change: impl FnOnce(&mut HttpSettings),
    test: impl FnOnce(Server) -> T,
) {
    let mut settings = HttpSettings {
        workers: 1,
        ..HttpSettings::default()
    };
    change(&mut settings);
    MAIN.block_on(async { test(Server::start(settings).await).await });
}

impl Server {
    async fn start(settings: HttpSettings) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let platform = Arc::new(catalog());
        let gate = Gate::new(tokio::sync::Semaphore::new(0));
        let drain = CancellationToken::new();
        let engine = Engine::start(
            EngineParts {
                store: store.clone(),
                models: Arc::new(Model { gate: gate.clone() }),
                tools: ToolBox::default().with(Erase),
                sources: vec![],
                catalog: platform.clone(),
                clock: clock.clone(),
                signals: None,
            },
            EngineConfig {
                max_queued_per_thread: 1,
                max_live_runs: LiveLimits {
                    org: Some(2),
                    ..LiveLimits::default()
                },
                ..EngineConfig::default()
            },
        )
        .await
        .expect("the engine starts");
        let accounts = Accounts::new(
            store.clone(),
            store.clone(),
            clock.clone(),
            &TokenKeys::derive(&[7; 32]),
            AccountsConfig::default(),
        );
        let metrics = EngineAlone(engine.clone());
        let vault = Vault::new(store.clone(), clock.clone(), MasterKey::derive(&[7; 32]));
        let state = HttpState::new(HttpParts {
            engine,
            store: store.clone(),
            accounts: Arc::new(accounts),
            configuring: Configuring {
                vault: Arc::new(vault),
                platform,
                providers: vec![Provider {
                    name: "test",
                    needs_url: false,
                }],
                urls: Arc::new(AnyAddress),
                probe: Arc::new(NoAnswer),
                tool_servers: Arc::new(NoAnswer),
                platform_servers: Arc::new(NoAnswer),
                tool_names: Arc::default(),
            },
            clock,
            readiness: Arc::new(StoreReadiness::new(store.clone())),
            metrics: Some(Arc::new(metrics)),
            runtime: MAIN.handle().clone(),
            drain: drain.clone(),
            settings,
        });
        let any = "127.0.0.1:0".parse().expect("an address");
        let listener = listen(any, ListenSettings::default()).expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = server(listener, state).expect("the server starts");
                let _ = sender.send(server.handle());
                server.await
            })
        });
        let handle = receiver.await.expect("the server's thread runs");
        Self {
            address,
            gate,
            drain,
            store,
            handle,
        }
    }

    /// Somebody new, with an organisation of their own.
    pub(crate) async fn somebody(&self, login: &str) -> Client {
        let answer = Request::post("/v1/auth/register")
            .json(&json!({
                "login": login,
                "email": format!("{login}@example.com"),
                "password": "correct horse battery",
            }))
            .send(self.address)
            .await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let token = answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        Client::new(self.address, token)
    }

    /// Somebody without a credential.
    pub(crate) fn nobody(&self) -> Client {
        Client::anonymous(self.address)
    }
}

/// `/metrics` shows the engine's and the API's own.
struct EngineAlone(Engine);

impl MetricsSource for EngineAlone {
    fn gather(&self) -> BoxFuture<'_, Vec<MetricFamily>> {
        self.0.metrics().boxed()
    }
}

/// Lets every address pass.
struct AnyAddress;

impl UrlRules for AnyAddress {
    fn check(&self, _: &url::Url) -> Result<(), String> {
        Ok(())
    }
}

/// Tries nothing out.
struct NoAnswer;

#[async_trait]
impl CredentialProbe for NoAnswer {
    async fn probe(&self, _: CredentialRecord, _: String) -> Result<Duration, ModelError> {
        Err(ModelError::new(
            ModelErrorKind::NotConfigured,
            "nobody is called here",
        ))
    }
}

#[async_trait]
impl ToolServers for NoAnswer {
    async fn refresh(&self, _: McpServerRecord) -> Result<Refreshed, StoreError> {
        let why = "nobody is asked here";
        Ok(Refreshed::Failed(ToolError::unavailable(why)))
    }
}

impl PlatformServers for NoAnswer {
    fn servers(&self) -> Vec<PlatformServer> {
        vec![]
    }
}

fn catalog() -> FixedCatalog {
    let persona = |value: Value| serde_json::from_value::<Persona>(value).expect("a persona");
    let entry = |id: &str, is_default, unavailable: Option<&str>| {
        let route = json!({"route_id": id, "model": id, "kind": "test"});
        RouteEntry {
            is_default,
            unavailable: unavailable.map(str::to_owned),
            ..RouteEntry::default_for(serde_json::from_value::<Route>(route).expect("a route"))
        }
    };
    FixedCatalog {
        personas: vec![
            persona(json!({"key": "kind", "version": "1", "prompt": "Be kind."})),
            persona(json!({"key": "kind", "version": "2", "prompt": "Be kinder."})),
            persona(json!({
                "key": "careful", "version": "1", "prompt": "Ask.", "tools": ["erase"],
                "approvals": {"default": "ask"}, "route_id": "asks",
            })),
        ],
        routes: vec![
            entry("says", true, None),
            entry("holds", false, None),
            entry("asks", false, None),
            entry("fails", false, None),
            entry("off", false, Some("it is switched off")),
        ],
    }
}

/// How long a test waits for something that comes at once.
pub(crate) const SOON: Duration = Duration::from_secs(5);
