//! A connection to one server, from its start to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rmcp::model::ProtocolVersion;
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, Peer, RoleClient,
    RunningService,
};
use runloom_net::guard::{ClientOptions, Guard};
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio::time::{Instant, timeout};

use super::catalog::Listing;
use super::error::McpError;
use super::fault::Fault;
use super::handler::Handler;
use super::http;
use super::news;
use super::pool::Shared;
use super::spec::{Auth, McpServerSpec, Protocol, Transport};
use super::stdio::{self, Process, StdioTransport};

/// How long rmcp may take to let go of a connection.
const LET_GO: Duration = Duration::from_millis(300);

type Service = RunningService<RoleClient, Handler>;

pub(super) struct Connection {
    pub(super) peer: Peer<RoleClient>,
    pub(super) handler: Handler,
    pub(super) since: Instant,
    /// The tools, as listed on this connection.
    pub(super) listing: Listing,
    running: Mutex<Option<Running>>,
    /// One of the process's connections.
    _permit: OwnedSemaphorePermit,
}

struct Running {
    service: Service,
    process: Option<Process>,
}

impl Connection {
    /// Starts the server, or connects to it, and agrees on a protocol. Dropping the future ends
    /// what was started.
    pub(super) async fn open(
        spec: &McpServerSpec,
        shared: &Shared,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, McpError> {
        let start = spec.limits.start;
        let running = timeout(start, connect(spec, shared))
            .await
            .unwrap_or_else(|_| {
                let waited = start.as_secs();
                Err(McpError::Unavailable(format!(
                    "it was not ready after {waited} s"
                )))
            })?;
        let handler = running.service.service().clone();
        let peer = running.service.peer().clone();
        news::follow(&peer, &handler);
        Ok(Self {
            peer,
            handler,
            since: Instant::now(),
            listing: Listing::default(),
            running: Mutex::new(Some(running)),
            _permit: permit,
        })
    }

    /// Whether it is of no use any more.
    pub(super) fn is_dead(&self) -> bool {
        self.peer.is_transport_closed() || self.fault().reason().is_some()
    }

    pub(super) fn fault(&self) -> &Fault {
        &self.handler.fault
    }

    /// Why it is dead.
    pub(super) fn why(&self) -> String {
        let reason = self.fault().reason();
        reason.unwrap_or("it closed the connection").to_owned()
    }

    /// Whether nobody would miss it.
    pub(super) fn is_idle(&self) -> bool {
        self.handler.calls.is_empty()
    }

    /// Has the server asked for its tools when somebody wants to know them next.
    pub(super) fn doubt_listing(&self) {
        self.handler.stale.store(true, Ordering::Relaxed);
    }

    /// Whether the tools may have changed since they were listed.
    pub(super) fn take_stale(&self) -> bool {
        let told = self.handler.stale.swap(false, Ordering::Relaxed);
        told || self.handler.deaf.load(Ordering::Relaxed)
    }

    /// Ends it, within two seconds. Calls that are open fail.
    pub(super) async fn close(&self) {
        self.fault().set("it was stopped");
        let Some(running) = self.running.lock().await.take() else {
            return;
        };
        let Running {
            mut service,
            process,
        } = running;
        let let_go = service.close_with_timeout(LET_GO);
        let stop = async {
            if let Some(mut process) = process {
                process.stop().await;
            }
        };
        // At once: a process that doesn't read holds up the one, and is ended by the other.
        let (let_go, ()) = tokio::join!(let_go, stop);
        if let Err(error) = let_go {
            tracing::warn!(%error, "a task of a connection to a server of tools broke");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.fault().set("it was stopped");
    }
}

/// Agrees on the newest protocol that both sides speak.
async fn connect(spec: &McpServerSpec, shared: &Shared) -> Result<Running, McpError> {
    let failed = match serve(spec, shared, spec.protocol).await? {
        Ok(running) => return Ok(running),
        Err(failed) => failed,
    };
    let misread = matches!(
        failed.error,
        ClientInitializeError::ExpectedInitResult(_)
            | ClientInitializeError::ExpectedInitResponse(_)
            // It was so slow to start that its answer to that came behind the next question.
            | ClientInitializeError::ConflictInitResponseId(..)
            | ClientInitializeError::UncorrelatedErrorResponse { .. }
    );
    if spec.protocol != Protocol::Auto || !misread {
        return Err(failed.why());
    }
    // It answers what it doesn't know, so its answer to being asked for dates says nothing.
    let again = serve(spec, shared, Protocol::Handshake).await?;
    again.map_err(|failed| failed.why())
}

struct Failed {
    error: ClientInitializeError,
    fault: Fault,
}

impl Failed {
    fn why(&self) -> McpError {
        McpError::of_start(&self.error, &self.fault)
    }
}

async fn serve(
    spec: &McpServerSpec,
    shared: &Shared,
    protocol: Protocol,
) -> Result<Result<Running, Failed>, McpError> {
    let handler = Handler::new(&spec.id, Arc::clone(&shared.changes));
    let fault = handler.fault.clone();
    let lifecycle = lifecycle(protocol);
    let (serving, process) = match &spec.transport {
        Transport::Stdio(stdio) => {
            let (process, pipes) = stdio::start(&spec.id, stdio, fault.clone())
                .map_err(|error| McpError::Unavailable(format!("it can't be started: {error}")))?;
            let transport = StdioTransport::new(pipes, spec.limits.message, fault.clone());
            let serving = handler.serve_with_lifecycle(transport, lifecycle).await;
            (serving, Some(process))
        }
        Transport::Http { url, auth } => {
            let client = client(&shared.guard, url, auth)?;
            let transport = http::transport(client, url, auth, &spec.limits);
            let serving = handler.serve_with_lifecycle(transport, lifecycle).await;
            (serving, None)
        }
    };
    Ok(match serving {
        Ok(service) => Ok(Running { service, process }),
        Err(error) => Err(Failed { error, fault }),
    })
}

/// A client for these URLs, if they may be used.
fn client(guard: &Guard, url: &str, auth: &Auth) -> Result<reqwest::Client, McpError> {
    let token_url = match auth {
        Auth::ClientCredentials { token_url, .. } => Some(token_url.as_str()),
        Auth::None | Auth::Bearer(_) => None,
    };
    for url in token_url.into_iter().chain([url]) {
        let checked = guard.checked(url);
        checked.map_err(|refused| McpError::Unavailable(refused.to_string()))?;
    }
    let client = guard.client(&ClientOptions::default());
    client.map_err(|error| McpError::Unavailable(error.to_string()))
}

fn lifecycle(protocol: Protocol) -> ClientLifecycleMode {
    let newest = vec![ProtocolVersion::V_2026_07_28];
    match protocol {
        Protocol::Auto => ClientLifecycleMode::Auto {
            preferred_versions: newest,
            legacy_version: Some(ProtocolVersion::V_2025_11_25),
        },
        Protocol::Handshake => ClientLifecycleMode::Initialize,
        Protocol::Discover => ClientLifecycleMode::Discover {
            preferred_versions: newest,
        },
    }
}
