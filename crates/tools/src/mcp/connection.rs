//! A connection to one server, from its start to its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rmcp::model::ProtocolVersion;
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt as _, Peer, RoleClient, RunningService,
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
use super::spec::{McpServerSpec, Protocol, Transport};
use super::stdio::{self, Process, StdioTransport};

/// How long rmcp may take to let go of a connection.
const LET_GO: Duration = Duration::from_millis(300);

type Service = RunningService<RoleClient, Handler>;

pub(super) struct Connection {
    pub(super) peer: Peer<RoleClient>,
    pub(super) handler: Handler,
    pub(super) fault: Fault,
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
        guard: &Guard,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, McpError> {
        let fault = Fault::default();
        let start = spec.limits.start;
        let running = timeout(start, connect(spec, guard, &fault))
            .await
            .unwrap_or_else(|_| {
                let waited = start.as_secs();
                Err(McpError::Unavailable(format!("it was not ready after {waited} s")))
            })?;
        let handler = running.service.service().clone();
        let peer = running.service.peer().clone();
        news::follow(&peer, &handler);
        Ok(Self {
            peer,
            handler,
            fault,
            since: Instant::now(),
            listing: Listing::default(),
            running: Mutex::new(Some(running)),
            _permit: permit,
        })
    }

    /// Whether it is of no use any more.
    pub(super) fn is_dead(&self) -> bool {
        self.peer.is_transport_closed() || self.handler.calls.closing.is_cancelled()
    }

    /// Whether nobody would miss it.
    pub(super) fn is_idle(&self) -> bool {
        self.handler.calls.is_empty()
    }

    /// Whether the tools may have changed since they were listed.
    pub(super) fn take_stale(&self) -> bool {
        let told = self.handler.stale.swap(false, Ordering::Relaxed);
        told || self.handler.deaf.load(Ordering::Relaxed)
    }

    /// Ends it, within two seconds. Calls that are open fail.
    pub(super) async fn close(&self) {
        self.handler.calls.closing.cancel();
        let Some(running) = self.running.lock().await.take() else {
            return;
        };
        let Running { mut service, process } = running;
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
        self.handler.calls.closing.cancel();
    }
}

async fn connect(
    spec: &McpServerSpec,
    guard: &Guard,
    fault: &Fault,
) -> Result<Running, McpError> {
    let handler = Handler::default();
    let (serving, process) = match &spec.transport {
        Transport::Stdio(stdio) => {
            let started = stdio::start(&spec.id, stdio, fault.clone());
            let (process, pipes) = started.map_err(|error| {
                McpError::Unavailable(format!("it can't be started: {error}"))
            })?;
            let transport = StdioTransport::new(pipes, spec.limits.message, fault.clone());
            let serving = handler.serve_with_lifecycle(transport, lifecycle(spec.protocol)).await;
            (serving, Some(process))
        }
        Transport::Http { url, auth } => {
            let refused = |refused: runloom_net::guard::Refused| {
                McpError::Unavailable(refused.to_string())
            };
            let url = guard.checked(url).map_err(refused)?;
            if let super::spec::Auth::ClientCredentials { token_url, .. } = auth {
                guard.checked(token_url).map_err(refused)?;
            }
            let client = guard
                .client(&ClientOptions::default())
                .map_err(|error| McpError::Unavailable(error.to_string()))?;
            let transport = http::transport(client, url.as_str(), auth, &spec.limits);
            let serving = handler.serve_with_lifecycle(transport, lifecycle(spec.protocol)).await;
            (serving, None)
        }
    };
    let service = serving.map_err(|error| McpError::of_start(&error, fault))?;
    Ok(Running { service, process })
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
