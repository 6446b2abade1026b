use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, ToolOrigin, ToolPin};
use runloom_engine::port::tool::{OfferedTool, SourceError, Tool, ToolError, ToolSource};
use runloom_http::{PlatformServer, PlatformServers};
use runloom_net::guard::{Guard, IpNet, Policy};
use runloom_store::{FoundTool, ToolVersion};
use runloom_tools::mcp::{McpServer, McpServerSpec, McpToolInfo, Pool, PoolOptions};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the servers are looked at. One that says when its tools change is asked only then.
const LOOK: Duration = Duration::from_secs(30);

/// The tools of the deployment's MCP servers, for every organisation.
///
/// The operator has chosen them, so they are trusted with addresses, and what they list counts at
/// once; a run still calls only what it has pinned.
pub(crate) struct PlatformTools {
    pool: Pool,
    servers: Vec<McpServerSpec>,
}

impl PlatformTools {
    /// Needs a runtime of tokio around it. No server is started before it is needed.
    pub(crate) fn new(servers: Vec<McpServerSpec>) -> Self {
        let everywhere = ["0.0.0.0/0", "::/0"].map(str::parse::<IpNet>);
        let everywhere = everywhere.into_iter().flatten().collect();
        let guard = Guard::new(Policy::allowing(everywhere));
        Self {
            pool: Pool::new(guard, PoolOptions::default()),
            servers,
        }
    }

    fn server(&self, spec: &McpServerSpec) -> McpServer {
        self.pool.server(spec.clone())
    }

    /// Keeps the lists of tools known until `drain`, since creating a run waits for no server.
    pub(crate) async fn keep(self: Arc<Self>, drain: CancellationToken) {
        if self.servers.is_empty() {
            return;
        }
        let looking = async {
            loop {
                let looks = self.servers.iter().map(|spec| self.look(spec));
                futures_util::future::join_all(looks).await;
                sleep(LOOK).await;
            }
        };
        drain.run_until_cancelled(looking).await;
    }

    async fn look(&self, spec: &McpServerSpec) {
        // One that fails is named in the pool's own log.
        if let Err(error) = self.server(spec).catalog().await {
            tracing::debug!(server = spec.id, %error, "a server lists no tools");
        }
    }

    /// Ends all servers.
    pub(crate) async fn stop(&self) {
        self.pool.shutdown().await;
    }
}

impl PlatformServers for PlatformTools {
    fn servers(&self) -> Vec<PlatformServer> {
        let servers = self.servers.iter().map(|spec| {
            let known = self.server(spec).known();
            let found = |info: &McpToolInfo| FoundTool {
                tool: info.tool.clone(),
                version: ToolVersion::new(Arc::clone(&info.definition), info.class),
            };
            PlatformServer {
                key: spec.key.clone(),
                trusted: spec.trusted,
                classes: spec.classes.clone(),
                call: spec.limits.call,
                longest: spec.limits.longest,
                tools: known.map(|catalog| catalog.tools.iter().map(found).collect()),
            }
        });
        servers.collect()
    }
}

#[async_trait]
impl ToolSource for PlatformTools {
    async fn offered(&self, _: OrgId) -> Result<Arc<[OfferedTool]>, SourceError> {
        let mut offered = Vec::new();
        for spec in &self.servers {
            let known = self.server(spec).known();
            let tools = known.iter().flat_map(|catalog| &catalog.tools);
            offered.extend(tools.map(|info| OfferedTool {
                definition: info.definition.clone(),
                class: info.class,
                origin: ToolOrigin::Mcp {
                    server: spec.id.clone(),
                    tool: info.tool.clone(),
                },
            }));
        }
        Ok(offered.into())
    }

    async fn open(&self, _: OrgId, pin: &ToolPin) -> Result<Arc<dyn Tool>, ToolError> {
        let ToolOrigin::Mcp { server, tool } = &pin.origin else {
            return Err(not_here(&pin.name));
        };
        let spec = self.servers.iter().find(|spec| spec.id == *server);
        let server = self.server(spec.ok_or_else(|| not_here(&pin.name))?);
        let catalog = match server.known() {
            Some(catalog) => catalog,
            None => server
                .catalog()
                .await
                .map_err(|error| ToolError::unavailable(error.to_string()))?,
        };
        let info = catalog.get(tool).ok_or_else(|| not_here(&pin.name))?;
        if info.hash != pin.hash {
            let why = "the tool's definition has changed since the run began";
            return Err(ToolError::new("tool.definition_changed", why));
        }
        let mut info = info.clone();
        info.class = pin.class;
        Ok(Arc::new(server.tool(info)))
    }
}

fn not_here(name: &str) -> ToolError {
    ToolError::unavailable(format!("{name} is not available on this server"))
}
