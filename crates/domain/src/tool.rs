use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::digest::hex;

/// What may be done with a call whose outcome a crash has hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolClass {
    /// Changes nothing: run it again.
    Pure,
    /// Takes an idempotency key: run it again with the same key.
    Keyed,
    /// Must not happen twice: ask a person.
    Once,
}

/// Where a tool that a run has pinned comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToolOrigin {
    /// It is the process's own.
    #[default]
    Builtin,
    /// It is a tool of an MCP server.
    Mcp {
        /// The server's id, or its name in the operator's configuration.
        server: String,
        /// The tool's name there.
        tool: String,
    },
    /// An organisation has registered it with a URL.
    Http {
        /// Its id.
        tool_id: String,
    },
    /// The client that created the run runs it.
    Client,
}

impl ToolOrigin {
    /// Whether the tool is the process's own.
    pub fn is_builtin(&self) -> bool {
        *self == Self::Builtin
    }
}

/// A tool as the model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// The name the model calls.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON schema of the arguments object.
    pub schema: Value,
}

impl ToolDefinition {
    /// The definition as stored: its canonical JSON text and that text's SHA-256 in hex.
    pub fn pinned(&self) -> (String, String) {
        let text = serde_json::json!({
            "description": self.description, "name": self.name, "schema": self.schema,
        })
        .to_string();
        let hash = hex(&Sha256::digest(text.as_bytes()));
        (hash, text)
    }
}
