use async_trait::async_trait;
use runloom_domain::{CredentialId, EncryptedSecret, HttpToolId, McpServerId, OrgId};
use uuid::Uuid;

use crate::memory::MemoryStore;
use crate::memory::state::State;
use crate::{DataKey, KeyRotation, McpAuth, SecretColumn, StoreError, StoredSecret};

#[async_trait]
impl KeyRotation for MemoryStore {
    async fn org_ids(&self, after: Option<OrgId>, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        let state = self.state();
        let above = state.orgs.rows.keys().copied();
        let above = above.filter(|id| after.is_none_or(|after| *id > after));
        Ok(above.take(limit as usize).collect())
    }

    async fn data_keys(&self, org: OrgId) -> Result<Vec<DataKey>, StoreError> {
        let state = self.state();
        let keys = state.data_keys.range((org, 0)..=(org, u32::MAX));
        Ok(keys.map(|(_, key)| key.clone()).collect())
    }

    async fn rewrap_data_key(&self, key: DataKey, old_master: &str) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.data_keys.get_mut(&(key.org_id, key.key_version));
        let Some(found) = found.filter(|found| found.master_key_id == old_master) else {
            return Ok(false);
        };
        found.wrapped = key.wrapped;
        found.master_key_id = key.master_key_id;
        Ok(true)
    }

    async fn secrets_below(
        &self,
        org: OrgId,
        column: SecretColumn,
        key_version: u32,
        limit: u32,
    ) -> Result<Vec<StoredSecret>, StoreError> {
        let mut state = self.state();
        let rows = state.rows_with_secrets(org, column);
        let secrets = rows.into_iter().filter_map(|row| {
            let secret = state.secret_of(org, column, row)?.clone();
            (secret.key_version < key_version).then_some(StoredSecret { row, secret })
        });
        Ok(secrets.take(limit as usize).collect())
    }

    async fn reseal(
        &self,
        org: OrgId,
        column: SecretColumn,
        old: StoredSecret,
        new: EncryptedSecret,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.secret_of(org, column, old.row);
        let Some(found) = found.filter(|found| **found == old.secret) else {
            return Ok(false);
        };
        *found = new;
        Ok(true)
    }
}

impl State {
    /// Ids of the organisation's rows that have such a column.
    fn rows_with_secrets(&self, org: OrgId, column: SecretColumn) -> Vec<Uuid> {
        match column {
            SecretColumn::Credential => {
                let rows = self.config.credentials.values();
                let own = rows.filter(|row| row.org_id == org);
                own.map(|row| row.credential_id.as_uuid()).collect()
            }
            SecretColumn::McpServer => {
                let rows = self.config.mcp_servers.values();
                let own = rows.filter(|row| row.server.org_id == org);
                own.map(|row| row.server.server_id.as_uuid()).collect()
            }
            SecretColumn::HttpTool | SecretColumn::HttpToolSigning => {
                let own = self.own_http_tools(org);
                own.map(|row| row.tool_id.as_uuid()).collect()
            }
        }
    }

    fn secret_of(
        &mut self,
        org: OrgId,
        column: SecretColumn,
        row: Uuid,
    ) -> Option<&mut EncryptedSecret> {
        match column {
            SecretColumn::Credential => {
                let id = CredentialId::from_uuid(row);
                let row = self.config.credentials.get_mut(&id);
                let key = row.filter(|row| row.org_id == org)?.settings.key.as_mut();
                key.map(|key| &mut key.secret)
            }
            SecretColumn::McpServer => {
                let row = self
                    .config
                    .mcp_servers
                    .get_mut(&McpServerId::from_uuid(row));
                let row = row.filter(|row| row.server.org_id == org)?;
                match &mut row.server.settings.auth {
                    McpAuth::None => None,
                    McpAuth::Bearer(secret) | McpAuth::ClientCredentials { secret, .. } => {
                        Some(secret)
                    }
                }
            }
            SecretColumn::HttpTool | SecretColumn::HttpToolSigning => {
                let row = self.config.http_tools.get_mut(&HttpToolId::from_uuid(row));
                let settings = &mut row.filter(|row| row.org_id == org)?.settings;
                if column == SecretColumn::HttpToolSigning {
                    return Some(&mut settings.signing_secret);
                }
                let header = settings.secret_header.as_mut();
                header.map(|header| &mut header.value)
            }
        }
    }
}
