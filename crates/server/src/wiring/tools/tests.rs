use std::sync::Arc;
use std::time::Duration;

use runloom_accounts::{MasterKey, Place, Secret, Vault};
use runloom_domain::{
    ApprovalMode, Clock as _, HttpToolId, McpServerId, OrgId, OrgRole, SystemClock, ToolClass,
    ToolDefinition, ToolOrigin, ToolPin, UserId,
};
use runloom_engine::port::tool::{OfferedTool, ToolSource as _};
use runloom_net::guard::{Guard, Policy};
use runloom_store::memory::MemoryStore;
use runloom_store::{
    AccountStore as _, By, FoundTool, HttpMethod, HttpToolSettings, McpAuth, McpServerSettings,
    NewAccount, NewHttpTool, NewMcpServer, SecretColumn, ToolStore as _, ToolVersion, Update,
};
use runloom_tools::http_tool::HttpTools;
use runloom_tools::mcp::{Pool, PoolOptions};
use serde_json::json;

use super::{OrgTools, OrgToolsParts};

/// Longer than any test takes.
const LATER: Duration = Duration::from_hours(1);

struct Scene {
    store: Arc<MemoryStore>,
    vault: Arc<Vault>,
    tools: OrgTools,
    pool: Pool,
    org: OrgId,
    user: UserId,
    server: McpServerId,
}

impl Scene {
    /// An organisation with a trusted server that lists `get` and `set`.
    async fn new() -> Self {
        let clock = Arc::new(SystemClock);
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let master = MasterKey::derive(&[7; 32]);
        let vault = Arc::new(Vault::new(store.clone(), clock.clone(), master));
        let guard = Guard::new(Policy::default());
        let pool = Pool::new(guard.clone(), PoolOptions::default());
        let parts = OrgToolsParts {
            store: store.clone(),
            vault: vault.clone(),
            pool: pool.clone(),
            http: HttpTools::new(guard, clock).unwrap(),
            refresh: LATER,
        };
        let now = SystemClock.now();
        let scene = Self {
            store,
            vault,
            tools: OrgTools::new(parts),
            pool,
            org: OrgId::generate(now),
            user: UserId::generate(now),
            server: McpServerId::generate(now),
        };
        scene.join().await;
        scene.lists(&[("get", "G"), ("set", "S")]).await;
        scene
    }

    async fn join(&self) {
        let now = SystemClock.now();
        let account = NewAccount {
            user_id: self.user,
            org_id: self.org,
            org_name: "Acme".into(),
            login: "ada".into(),
            email: "ada@example.org".into(),
            password_hash: String::new(),
            role: OrgRole::Owner,
            api_key: None,
            session: None,
            created_at: now,
        };
        self.store
            .create_account(account, None, By::system(SystemClock.now()))
            .await
            .unwrap();
        let row = self.server.to_string();
        let secret = Secret::from("canary");
        let sealed = self
            .vault
            .seal(self.org, Place::of(SecretColumn::McpServer, &row), &secret);
        let server = NewMcpServer {
            org_id: self.org,
            server_id: self.server,
            key: "a".into(),
            settings: McpServerSettings {
                name: "a".into(),
                url: "https://tools.example.org/mcp".into(),
                auth: McpAuth::Bearer(sealed.await.unwrap()),
                enabled: true,
                trusted: true,
                approve_new: false,
                classes: vec![("set".into(), ToolClass::Once)],
                call_timeout_ms: 1_000,
                longest_ms: 2_000,
            },
            created_by: self.user,
            created_at: now,
        };
        self.store
            .create_mcp_server(server, None, By::system(SystemClock.now()))
            .await
            .unwrap();
    }

    async fn lists(&self, tools: &[(&str, &str)]) {
        let listing = self.store.mcp_listing(self.org, self.server).await;
        let version = listing.unwrap().unwrap().server.version;
        let found = tools.iter().map(|(tool, text)| FoundTool {
            tool: (*tool).to_owned(),
            version: ToolVersion::new(
                definition(&format!("mcp__a__{tool}"), text),
                ToolClass::Pure,
            ),
        });
        let (store, now) = (&self.store, SystemClock.now());
        let noted =
            store.put_discovery(self.org, self.server, version, found.collect(), now, LATER);
        noted.await.unwrap();
        self.tools.changed(self.org);
    }

    async fn http_tool(&self) -> HttpToolId {
        let now = SystemClock.now();
        let id = HttpToolId::generate(now);
        let row = id.to_string();
        let place = Place::of(SecretColumn::HttpToolSigning, &row);
        let secret = Secret::from("canary");
        let signing = self.vault.seal(self.org, place, &secret);
        let new = NewHttpTool {
            org_id: self.org,
            tool_id: id,
            settings: HttpToolSettings {
                definition: definition("look", "L"),
                url: "https://tools.example.org/look".into(),
                method: HttpMethod::Post,
                headers: [].into(),
                secret_header: None,
                signing_secret: signing.await.unwrap(),
                class: ToolClass::Keyed,
                timeout_ms: 1_000,
                enabled: true,
            },
            created_by: self.user,
            created_at: now,
        };
        self.store
            .create_http_tool(new, None, By::system(SystemClock.now()))
            .await
            .unwrap();
        self.tools.changed(self.org);
        id
    }

    async fn offered(&self) -> Vec<OfferedTool> {
        self.tools.offered(self.org).await.unwrap().to_vec()
    }

    /// Gives the server other settings.
    async fn change(&self, change: impl FnOnce(&mut McpServerSettings)) {
        let (store, org, id) = (&self.store, self.org, self.server);
        let mut server = store.mcp_server(org, id).await.unwrap().unwrap();
        change(&mut server.settings);
        let (version, now) = (server.version, SystemClock.now());
        let updated =
            store.update_mcp_server(org, id, version, server.settings, now, By::system(now));
        assert!(matches!(updated.await.unwrap(), Update::Done(_)));
        self.tools.changed(org);
    }

    /// Whether the server is still in the pool after what isn't wanted has been ended.
    async fn is_held(&self) -> bool {
        self.tools.end_unwanted().await;
        self.pool.holds(&self.server.to_string())
    }

    /// The class of a pin's tool when it is opened, or the class of the error.
    async fn opened(&self, pin: &ToolPin) -> Result<ToolClass, String> {
        let opened = self.tools.open(self.org, pin).await;
        opened.map(|tool| tool.class()).map_err(|error| error.class)
    }
}

fn definition(name: &str, description: &str) -> ToolDefinition {
    ToolDefinition {
        name: name.into(),
        description: description.into(),
        schema: json!({ "type": "object" }),
    }
}

fn pin(offered: &OfferedTool) -> ToolPin {
    let pin = json!({
        "name": offered.definition.name, "hash": offered.definition.pinned().0,
        "class": offered.class, "approval": ApprovalMode::Auto, "origin": offered.origin,
    });
    serde_json::from_value(pin).unwrap()
}

fn err<T>(class: &str) -> Result<T, String> {
    Err(class.to_owned())
}

#[tokio::test]
async fn approved_tools_are_offered_with_their_classes() {
    let scene = Scene::new().await;
    let id = scene.http_tool().await;
    let offered = scene.offered().await;
    let shown: Vec<_> = offered
        .iter()
        .map(|tool| (tool.definition.name.as_str(), tool.class))
        .collect();
    assert_eq!(
        shown,
        [
            ("mcp__a__get", ToolClass::Pure),
            ("mcp__a__set", ToolClass::Once),
            ("look", ToolClass::Keyed),
        ]
    );
    let origin = ToolOrigin::Http {
        tool_id: id.to_string(),
    };
    assert_eq!(offered[2].origin, origin);
    for tool in &offered {
        assert_eq!(scene.opened(&pin(tool)).await, Ok(tool.class));
    }
}

#[tokio::test]
async fn a_changed_tool_is_not_offered_and_not_opened() {
    let scene = Scene::new().await;
    let pins: Vec<_> = scene.offered().await.iter().map(pin).collect();
    scene.lists(&[("get", "evil"), ("more", "M")]).await;
    assert_eq!(scene.offered().await, []);
    assert_eq!(scene.opened(&pins[0]).await, err("tool.definition_changed"));
    assert_eq!(scene.opened(&pins[1]).await, err("tool.unavailable"));
    let approved = scene.store.approve_tools(
        scene.org,
        scene.server,
        None,
        None,
        SystemClock.now(),
        By::system(SystemClock.now()),
    );
    assert!(matches!(approved.await.unwrap(), Update::Done(Ok(_))));
    scene.tools.changed(scene.org);
    assert_eq!(scene.offered().await.len(), 2);
    let changed = err("tool.definition_changed");
    assert_eq!(
        scene.opened(&pins[0]).await,
        changed,
        "the run knows the old one"
    );
}

#[tokio::test]
async fn what_is_switched_off_or_anothers_is_not_there() {
    let scene = Scene::new().await;
    let tool = scene.http_tool().await;
    let pins: Vec<_> = scene.offered().await.iter().map(pin).collect();
    let stranger = OrgId::generate(SystemClock.now());
    assert!(scene.tools.offered(stranger).await.unwrap().is_empty());
    for pin in &pins {
        let error = scene.tools.open(stranger, pin).await.err().unwrap();
        assert_eq!(error.class, "tool.unavailable");
    }
    let (store, org, now) = (&scene.store, scene.org, SystemClock.now());
    let mut server = store.mcp_server(org, scene.server).await.unwrap().unwrap();
    server.settings.enabled = false;
    let updated = store.update_mcp_server(
        org,
        scene.server,
        server.version,
        server.settings,
        now,
        By::system(now),
    );
    updated.await.unwrap();
    let mut http = store.http_tool(org, tool).await.unwrap().unwrap();
    http.settings.enabled = false;
    let updated =
        store.update_http_tool(org, tool, http.version, http.settings, now, By::system(now));
    updated.await.unwrap();
    scene.tools.changed(org);
    assert_eq!(scene.offered().await, []);
    for pin in &pins {
        assert_eq!(scene.opened(pin).await, err("tool.unavailable"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_wanted_any_more_is_ended() {
    let scene = Scene::new().await;
    let pins: Vec<_> = scene.offered().await.iter().map(pin).collect();
    assert!(!scene.is_held().await, "nobody has used it");
    let opened = async || scene.opened(&pins[0]).await.unwrap();
    opened().await;
    scene.change(|settings| settings.call_timeout_ms = 7).await;
    assert!(scene.is_held().await, "it is reached as before");
    scene.change(|settings| settings.enabled = false).await;
    assert!(!scene.is_held().await);
    scene.change(|settings| settings.enabled = true).await;
    opened().await;
    scene.change(|settings| settings.auth = McpAuth::None).await;
    assert!(!scene.is_held().await, "its old secret is used no more");
    opened().await;
    let (org, id) = (scene.org, scene.server);
    assert_eq!(scene.tools.owner(id), Some(org));
    scene
        .store
        .delete_mcp_server(org, id, None, By::system(SystemClock.now()))
        .await
        .unwrap();
    scene.tools.changed(org);
    assert!(!scene.is_held().await);
    assert_eq!(scene.tools.owner(id), None);
}

#[tokio::test]
async fn runs_that_begin_have_old_lists_asked_for() {
    let scene = Scene::new().await;
    assert!(scene.tools.take_used().is_empty());
    scene.offered().await;
    scene.offered().await;
    assert_eq!(
        scene.tools.take_used().into_iter().collect::<Vec<_>>(),
        [scene.org]
    );
    scene.offered().await;
    assert!(
        scene.tools.take_used().is_empty(),
        "it was told a moment ago"
    );
}

#[tokio::test]
async fn what_is_offered_is_put_together_once() {
    let scene = Scene::new().await;
    let first = scene.tools.offered(scene.org).await.unwrap();
    let second = scene.tools.offered(scene.org).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}
