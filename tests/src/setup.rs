use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::provider::Provider;
use crate::{Data, Ended, Node, Store};

/// A master key, for servers that have to know each other's tokens.
pub const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// How a server is to be started; cheap to clone, and then for the same data.
#[derive(Clone, Debug)]
pub struct Setup {
    store: Store,
    data: Option<Arc<Data>>,
    toml: String,
    scripts: serde_json::Map<String, Value>,
    variables: BTreeMap<String, String>,
}

impl Setup {
    /// Development mode, a free port, and no model but the demo.
    pub fn new(store: Store) -> Self {
        let variables = [
            ("RUNLOOM_LISTEN", "127.0.0.1:0"),
            ("RUNLOOM_LOG_FORMAT", "json"),
            (
                "RUNLOOM_LOG",
                "info,actix_server=warn,async_nats=warn,rmcp=warn",
            ),
        ];
        Self {
            store,
            data: None,
            toml: String::new(),
            scripts: serde_json::Map::new(),
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        }
    }

    /// The same on the PostgreSQL database of a URL, which somebody else cares for.
    pub fn at(database_url: &str) -> Self {
        Self::new(Store::Sqlite).variable("RUNLOOM_DATABASE_URL", database_url)
    }

    /// Starts on data that is there already.
    #[must_use]
    pub fn on(mut self, data: Arc<Data>) -> Self {
        self.data = Some(data);
        self
    }

    /// Sets a variable of the server's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Takes a variable away again.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Adds to the configuration file.
    #[must_use]
    pub fn toml(mut self, text: &str) -> Self {
        self.toml.push_str(text);
        self.toml.push('\n');
        self
    }

    /// Adds a route to a scripted model: a list of turns, each a list of actions. The route's
    /// name is the model's. The first one is the default route.
    #[must_use]
    pub fn scripted(mut self, name: &str, turns: Value) -> Self {
        let default = self.scripts.is_empty() && !self.toml.contains("default = true");
        self.scripts.insert(name.to_owned(), turns);
        self.toml(&format!(
            "[[routes]]\nroute_id = \"{name}\"\nmodel = \"{name}\"\nkind = \"scripted\"\n\
             script = \"SCRIPTS\"\ndefault = {default}\n\
             prices = {{ input = 1, output = \"2\" }}\n\
             backoff = {{ max_attempts = 3, base_ms = 10, cap_ms = 50, max_rate_limited = 3 }}"
        ))
    }

    /// Makes `provider` the default route, with quick retries and short timeouts.
    #[must_use]
    pub fn provider(self, provider: &Provider) -> Self {
        self.endpoint(provider.url())
    }

    /// The same for a provider at a base URL.
    #[must_use]
    pub fn endpoint(self, url: &str) -> Self {
        self.toml(&format!(
            "[[routes]]\nroute_id = \"main\"\nmodel = \"mock-1\"\nbase_url = \"{url}\"\n\
             default = true\nprices = {{ input = 3, cache_read = \"0.3\", output = 15 }}\n\
             timeouts = {{ header_ms = 1500, idle_ms = 1500 }}\n\
             backoff = {{ max_attempts = 3, base_ms = 20, cap_ms = 3000, max_rate_limited = 3 }}"
        ))
    }

    /// Starts the server and waits until it serves.
    pub async fn start(&self) -> Node {
        match self.try_start().await {
            Ok(node) => node,
            Err(ended) => panic!("the server ended: {ended:?}"),
        }
    }

    /// The same; a server that ends before it serves is an error.
    pub async fn try_start(&self) -> Result<Node, Ended> {
        let data = match &self.data {
            Some(data) => Arc::clone(data),
            None => Arc::new(Data::fresh(self.store).await),
        };
        let again = Self {
            data: Some(Arc::clone(&data)),
            ..self.clone()
        };
        let variables = again.write(&data);
        Node::start(again, data, &variables).await
    }

    /// Writes the configuration and completes the variables.
    fn write(&self, data: &Data) -> BTreeMap<String, String> {
        let scripts = data.folder().join("scripts.json");
        let toml = data.folder().join("runloom.toml");
        let shown = |path: PathBuf| path.to_str().expect("paths here are UTF-8").to_owned();
        let text = serde_json::to_string(&self.scripts).expect("JSON encodes");
        put(&scripts, &text);
        let text = self.toml.replace("SCRIPTS", &shown(scripts));
        put(&toml, &text);

        let mut variables = self.variables.clone();
        let mut default = |name: &str, value: String| {
            variables.entry(name.to_owned()).or_insert(value);
        };
        default("RUNLOOM_CONFIG", shown(toml));
        default("RUNLOOM_DATA_DIR", shown(data.folder().join("data")));
        if let Some(url) = data.database_url() {
            default("RUNLOOM_DATABASE_URL", url);
        }
        variables
    }
}

/// Writes a file that another node on the same data may be reading: it sees the old one or the
/// new one, and nothing between.
fn put(path: &Path, text: &str) {
    let unnamed = path.with_extension(format!("new-{}", Uuid::now_v7().simple()));
    std::fs::write(&unnamed, text).expect("the folder takes files");
    std::fs::rename(&unnamed, path).expect("it is in the same folder");
}
