//! What the server is told: the environment over an optional TOML file.
//!
//! One small struct per concern; each field names its variable, default and unit, and
//! `docs/configuration.md` lists all of them. Keys and variables that nobody knows are
//! refused, since they are most likely typing errors.

mod auth;
mod credits;
mod data;
mod engine;
mod environment;
mod file;
mod housekeeping;
mod http;
mod key_source;
mod limits;
mod listen;
mod log;
mod master_key;
mod mcp_servers;
mod mode;
mod model;
mod nats;
mod net;
mod personas;
mod routes;
mod secret;
mod tools;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

pub use auth::Auth;
pub use credits::Credits;
pub use data::Data;
pub use engine::Engine;
pub use environment::Environment;
pub use housekeeping::Housekeeping;
pub use http::Http;
pub use limits::Limits;
pub use listen::Listen;
pub use log::{Log, LogFormat};
pub use master_key::{MasterKey, MasterKeys};
pub use mcp_servers::McpServerSettings;
pub use mode::Mode;
pub use model::Model;
pub use nats::Nats;
pub use net::Net;
pub use personas::PersonaSettings;
pub use routes::{RouteKind, RouteSettings};
pub use secret::Secret;
pub use tools::Tools;

/// Everything the server is told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `RUNLOOM_MODE`: what the server lets pass.
    pub mode: Mode,
    /// `RUNLOOM_BENCH`: 1 adds the routes `fake-a`, `fake-b`, `fake-hold`, `fake-slow` and
    /// `fake-paced`, in development mode only. Default 0.
    pub bench: bool,
    /// Where the server listens.
    pub listen: Listen,
    /// Where everything is kept.
    pub data: Data,
    /// How nodes wake each other.
    pub nats: Nats,
    /// What the server may reach for those who use it.
    pub net: Net,
    /// The short way to one real model.
    pub model: Model,
    /// Ways to models.
    pub routes: Vec<RouteSettings>,
    /// Manners of agents.
    pub personas: Vec<PersonaSettings>,
    /// `RUNLOOM_PERSONAS_DIR`: a folder with more of them, each a Markdown file that begins
    /// with its settings in YAML. Read at start. Default none.
    pub personas_dir: Option<PathBuf>,
    /// Servers of tools.
    pub mcp_servers: Vec<McpServerSettings>,
    /// The tools that organisations bring.
    pub tools: Tools,
    /// How much this node does at once.
    pub engine: Engine,
    /// Whether runs need credits, and how much they reserve.
    pub credits: Credits,
    /// What is done now and then.
    pub housekeeping: Housekeeping,
    /// How people come in.
    pub auth: Auth,
    /// How requests are taken.
    pub http: Http,
    /// How much those who use the API may do.
    pub limits: Limits,
    /// What goes to standard error.
    pub log: Log,
    /// What other keys derive from.
    #[serde(skip)]
    pub master_keys: MasterKeys,
}

impl Config {
    /// Reads the file that `RUNLOOM_CONFIG` names (default `./runloom.toml`, if it exists) and
    /// the environment of this process.
    pub fn load() -> Result<Self> {
        Self::from_environment(Environment::of_process()?)
    }

    /// The same with a given environment.
    pub fn from_environment(mut environment: Environment) -> Result<Self> {
        let mut config = match environment.text("RUNLOOM_CONFIG") {
            Some(path) => file::read(Path::new(&path))?,
            None => file::read_if_there(Path::new("runloom.toml"))?,
        };
        config.overlay(&mut environment)?;
        environment.refuse_unknown()?;
        config.complete()?;
        config.check()?;
        Ok(config)
    }

    fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_MODE", &mut self.mode)?;
        environment.switch("RUNLOOM_BENCH", &mut self.bench)?;
        self.listen.overlay(environment)?;
        self.data.overlay(environment)?;
        self.nats.overlay(environment)?;
        self.net.overlay(environment)?;
        if let Some(folder) = environment.text("RUNLOOM_PERSONAS_DIR") {
            self.personas_dir = Some(folder.into());
        }
        self.model.overlay(environment);
        self.engine.overlay(environment)?;
        self.credits.overlay(environment)?;
        self.housekeeping.overlay(environment)?;
        self.tools.overlay(environment)?;
        self.auth.overlay(environment)?;
        self.http.overlay(environment)?;
        self.limits.overlay(environment)?;
        self.log.overlay(environment)?;
        self.master_keys = MasterKeys::from_environment(environment)?;
        for route in &mut self.routes {
            route.read_key(environment)?;
        }
        for server in &mut self.mcp_servers {
            server.read_secrets(environment)?;
        }
        Ok(())
    }

    /// Adds what follows from the short forms.
    fn complete(&mut self) -> Result<()> {
        self.routes.extend(self.model.route()?);
        let demo = self.mode == Mode::Development && self.routes.is_empty();
        if demo {
            self.routes.push(RouteSettings::demo());
        }
        if self.bench {
            self.routes.extend(RouteSettings::bench());
        }
        let folder = self.personas_dir.as_deref();
        PersonaSettings::complete(&mut self.personas, folder, demo)
    }

    /// Whether the scripted demo answers, because nothing else can.
    pub fn is_demo(&self) -> bool {
        self.routes.iter().any(RouteSettings::is_demo)
    }

    fn check(&self) -> Result<()> {
        self.data.check()?;
        self.nats.check(self.data.database_url.is_none())?;
        self.engine.check()?;
        self.credits.check()?;
        self.housekeeping.check()?;
        self.tools.check()?;
        self.http.check()?;
        if self.mode == Mode::Production {
            ensure!(
                self.master_keys.main.is_some(),
                "RUNLOOM_MASTER_KEY is not set, which production mode refuses; \
                 `openssl rand -base64 32` makes one"
            );
            ensure!(
                !self.bench,
                "RUNLOOM_BENCH is set, which production mode refuses"
            );
        }
        mcp_servers::check(&self.mcp_servers)?;
        self.check_routes()?;
        self.check_personas()
    }

    fn check_routes(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        for route in &self.routes {
            route.check(self.mode)?;
            if !names.insert(route.route_id.as_str()) {
                bail!("two routes are called {}", route.route_id);
            }
        }
        for route in &self.routes {
            if let Some(fallback) = route.fallback.as_deref() {
                ensure!(
                    names.contains(fallback) && fallback != route.route_id,
                    "route {} falls back to {fallback}, which is no other route",
                    route.route_id
                );
            }
        }
        let defaults = self.routes.iter().filter(|route| route.default).count();
        ensure!(defaults <= 1, "{defaults} routes are marked as the default");
        Ok(())
    }

    fn check_personas(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        let mut default = None;
        for persona in &self.personas {
            persona.check()?;
            let name = format!("{}@{}", persona.key, persona.version);
            if let Some(route) = &persona.route_id {
                ensure!(
                    self.routes.iter().any(|known| known.route_id == *route),
                    "{}persona {name} prefers the route {route}, which doesn't exist",
                    persona.at("route_id")
                );
            }
            if !names.insert(name.clone()) {
                bail!("{}two personas are called {name}", persona.at("key"));
            }
            if persona.default
                && let Some(other) = default.replace(name.clone())
            {
                let place = persona.at("default");
                bail!("{place}persona {name} is marked as the default, and so is {other}");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
