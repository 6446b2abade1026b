use async_trait::async_trait;
use runloom_domain::{EncryptedSecret, OrgId};
use uuid::Uuid;

use crate::{DataKey, StoreError};

/// The columns in which organisations' secrets are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretColumn {
    /// What opens a model provider.
    Credential,
    /// What opens an MCP server.
    McpServer,
    /// The secret header of an HTTP tool.
    HttpTool,
    /// What the calls of an HTTP tool are signed with.
    HttpToolSigning,
}

impl SecretColumn {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Credential,
        Self::McpServer,
        Self::HttpTool,
        Self::HttpToolSigning,
    ];

    /// The table.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Credential => "llm_credentials",
            Self::McpServer => "mcp_servers",
            Self::HttpTool | Self::HttpToolSigning => "http_tools",
        }
    }

    /// The column of the ciphertext; those of its nonce and data key are named after it.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Credential | Self::McpServer | Self::HttpTool => "secret",
            Self::HttpToolSigning => "signing",
        }
    }
}

/// A secret as it stands in its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The row's id.
    pub row: Uuid,
    /// The secret.
    pub secret: EncryptedSecret,
}

/// Changing the keys that secrets are encrypted with, while servers use them.
#[async_trait]
pub trait KeyRotation: Send + Sync + 'static {
    /// Ids of all organisations above `after`, ascending, at most `limit`.
    async fn org_ids(&self, after: Option<OrgId>, limit: u32) -> Result<Vec<OrgId>, StoreError>;

    /// All data keys of an organisation, the oldest first.
    async fn data_keys(&self, org: OrgId) -> Result<Vec<DataKey>, StoreError>;

    /// Stores the same data key as another master key wraps it, if it is still wrapped by
    /// `old_master`; whether it was.
    async fn rewrap_data_key(&self, key: DataKey, old_master: &str) -> Result<bool, StoreError>;

    /// Secrets of an organisation that data keys older than `key_version` encrypt, at most
    /// `limit`.
    async fn secrets_below(
        &self,
        org: OrgId,
        column: SecretColumn,
        key_version: u32,
        limit: u32,
    ) -> Result<Vec<StoredSecret>, StoreError>;

    /// Stores a secret as another data key encrypts it, if the row still holds `old`; whether it
    /// did. Nothing else of the row changes, its version neither.
    async fn reseal(
        &self,
        org: OrgId,
        column: SecretColumn,
        old: StoredSecret,
        new: EncryptedSecret,
    ) -> Result<bool, StoreError>;
}
