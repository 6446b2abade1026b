use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use runloom_domain::{ToolClass, is_server_key};
use runloom_tools::Secret as ToolSecret;
use runloom_tools::mcp::{Auth, Limits, McpServerSpec, Stdio, Transport};
use serde::Deserialize;

use super::{Environment, Secret};

/// `[[mcp_servers]]`: a server of tools, for all organisations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServerSettings {
    /// The part of its tools' names, `mcp__KEY__TOOL`: 1 to 32 of `a-z 0-9 -`.
    pub key: String,
    /// The program of a server that is started here and spoken to by its standard streams.
    pub command: Option<String>,
    /// The program's arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// The program's environment, besides `PATH`, `HOME` and `LANG`.
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    /// Variables of this process that the program gets too, such as those with its keys.
    #[serde(default)]
    pub env_from: Vec<String>,
    /// Where the program runs.
    pub dir: Option<PathBuf>,
    /// Where a server is that is reached by streamable HTTP.
    pub url: Option<String>,
    /// The environment variable with the token that it is shown; without it none is.
    pub token_env: Option<String>,
    /// Whether the hints of its tools are believed. Default false.
    #[serde(default)]
    pub trusted: bool,
    /// `{ "get_*" = "pure" }`: what a crash in mid-call means for tools whose own names fit; the
    /// first in the alphabet that fits wins over any hint. Default `once`.
    #[serde(default)]
    pub classes: BTreeMap<String, ToolClass>,
    /// How long it may take to be ready, in milliseconds. Default 30,000.
    pub start_timeout_ms: Option<u64>,
    /// How long a call may take without a sign of progress, in milliseconds. Default 60,000.
    pub call_timeout_ms: Option<u64>,
    /// How long a call may take in all, in milliseconds. Default 600,000.
    pub longest_ms: Option<u64>,
    /// The token itself, once it has been read from the environment.
    #[serde(skip)]
    pub token: Option<Secret>,
}

impl McpServerSettings {
    pub(super) fn read_secrets(&mut self, environment: &mut Environment) -> Result<()> {
        let wanted_by = format!("MCP server {}", self.key);
        if let Some(name) = &self.token_env {
            self.token = Some(Secret::new(environment.secret(name, &wanted_by)?));
        }
        for name in &self.env_from {
            let value = environment.secret(name, &wanted_by)?;
            self.env.insert(name.clone(), Secret::new(value));
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<()> {
        let key = &self.key;
        ensure!(is_server_key(key), "mcp_servers: {key:?} is no key");
        ensure!(
            self.command.is_some() != self.url.is_some(),
            "MCP server {key} needs either a command or a url"
        );
        let of_program = self.args.is_empty() && self.env.is_empty() && self.dir.is_none();
        ensure!(
            self.command.is_some() || of_program,
            "MCP server {key} has a url, and so no args, env, env_from or dir"
        );
        ensure!(
            self.url.is_some() || self.token_env.is_none(),
            "MCP server {key} has a command, and so no token_env"
        );
        let is_http = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        ensure!(
            self.url.as_ref().is_none_or(is_http),
            "MCP server {key} needs a url that begins with http:// or https://"
        );
        Ok(())
    }

    /// The same in the terms of whoever calls it.
    pub fn to_spec(&self) -> McpServerSpec {
        let transport = match (&self.command, &self.url) {
            (Some(program), _) => Transport::Stdio(Stdio {
                program: program.clone(),
                args: self.args.clone(),
                env: exposed(&self.env),
                dir: self.dir.clone(),
            }),
            (None, url) => Transport::Http {
                url: url.clone().unwrap_or_default(),
                auth: match &self.token {
                    Some(token) => Auth::Bearer(ToolSecret::new(token.expose().to_owned())),
                    None => Auth::None,
                },
            },
        };
        let defaults = Limits::default();
        let time = |said: Option<u64>, default| said.map_or(default, Duration::from_millis);
        let classes = self.classes.iter();
        McpServerSpec {
            trusted: self.trusted,
            classes: classes
                .map(|(tools, class)| (tools.clone(), *class))
                .collect(),
            limits: Limits {
                start: time(self.start_timeout_ms, defaults.start),
                call: time(self.call_timeout_ms, defaults.call),
                longest: time(self.longest_ms, defaults.longest),
                ..defaults
            },
            ..McpServerSpec::new(&self.key, &self.key, transport)
        }
    }
}

fn exposed(variables: &BTreeMap<String, Secret>) -> BTreeMap<String, String> {
    let variables = variables.iter();
    variables
        .map(|(name, value)| (name.clone(), value.expose().to_owned()))
        .collect()
}

/// Whether each is right, and has a key of its own.
pub(super) fn check(servers: &[McpServerSettings]) -> Result<()> {
    let mut keys = BTreeSet::new();
    for server in servers {
        server.check()?;
        let key = &server.key;
        ensure!(keys.insert(key), "two MCP servers are called {key}");
    }
    Ok(())
}
