//! What a server is, and what it may cost.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use runloom_domain::ToolClass;

use super::Secret;

/// A server of tools, as its owner describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServerSpec {
    /// What names the server in this process and in pins of runs: the id of an organisation's
    /// row, or the name in the operator's configuration.
    pub id: String,
    /// The part of its tools' names: `[a-z0-9-]{1,32}`.
    pub key: String,
    /// How it is reached.
    pub transport: Transport,
    /// The dates of the protocol that are offered.
    pub protocol: Protocol,
    /// Whether its hints on what its tools do are believed.
    pub trusted: bool,
    /// Classes by patterns on its tools' own names; the first that fits wins over any hint.
    pub classes: Vec<(String, ToolClass)>,
    /// Its times and sizes.
    pub limits: Limits,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A process of ours, spoken to by its standard streams. It runs with our rights, so only
    /// the operator may name one.
    Stdio(Stdio),
    /// Streamable HTTP.
    Http {
        /// Where messages are posted to.
        url: String,
        /// How we show who we are.
        auth: Auth,
    },
}

/// A program, started without a shell.
#[derive(Clone, PartialEq, Eq)]
pub struct Stdio {
    /// Its path, or a name that is looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, besides `PATH`, `HOME` and `LANG` of ours.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub dir: Option<PathBuf>,
}

impl std::fmt::Debug for Stdio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values of the environment are keys as often as not, and so are arguments.
        f.debug_struct("Stdio")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &self.env.keys())
            .field("dir", &self.dir)
            .finish()
    }
}

/// How we show an HTTP server who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// By a token that doesn't change.
    Bearer(Secret),
    /// By tokens that an OAuth server gives for an id and a secret.
    ClientCredentials {
        /// Where tokens come from.
        token_url: String,
        /// Our id there.
        client_id: String,
        /// What proves it.
        secret: Secret,
        /// What the token shall be good for.
        scope: Option<String>,
    },
}

/// Which dates of the protocol are offered to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Asks for the newest one first, and falls back to the handshake of the older ones.
    #[default]
    Auto,
    /// The handshake of 2025-11-25 and before, for servers that choke on being asked.
    Handshake,
    /// 2026-07-28 alone.
    Discover,
}

/// Times and sizes of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take to be ready. Default 30 s.
    pub start: Duration,
    /// How long a call may take without a sign of progress. Default 60 s.
    pub call: Duration,
    /// How long a call may take in all. Default 10 min.
    pub longest: Duration,
    /// How many bytes one message of it may have. Default 4 MiB.
    pub message: usize,
    /// How many bytes of a result a model gets to see. Default 64 KiB.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(30),
            call: Duration::from_mins(1),
            longest: Duration::from_mins(10),
            message: 4 * 1024 * 1024,
            output: 64 * 1024,
        }
    }
}

impl McpServerSpec {
    /// A server with the defaults: not trusted, every tool of the class `once`.
    pub fn new(id: impl Into<String>, key: impl Into<String>, transport: Transport) -> Self {
        Self {
            id: id.into(),
            key: key.into(),
            transport,
            protocol: Protocol::Auto,
            trusted: false,
            classes: Vec::new(),
            limits: Limits::default(),
        }
    }
}
