use std::sync::Arc;

use diesel::prelude::*;
use runloom_domain::{McpServerId, OrgId, ToolClass, ToolDefinition};
use runloom_store::{McpToolRecord, McpToolState, StoreError, ToolVersion};
use serde::{Deserialize, Serialize};

use crate::failure::corrupt;
use crate::schema::mcp_tools;
use crate::types::{At, Id};

const TABLE: &str = "mcp_tools";

/// A tool of an MCP server as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = mcp_tools)]
pub(crate) struct McpToolRow {
    org_id: Id,
    server_id: Id,
    tool: String,
    state: String,
    approved: Option<String>,
    approved_hash: Option<String>,
    pending: Option<String>,
    pending_hash: Option<String>,
    seen_at: At,
}

/// A definition and what the server hints. A field that comes later needs a default.
#[derive(Serialize, Deserialize)]
struct Described {
    definition: ToolDefinition,
    hint: ToolClass,
}

impl McpToolRow {
    pub(crate) fn new(
        (org, server): (OrgId, McpServerId),
        record: McpToolRecord,
    ) -> Result<Self, StoreError> {
        let (approved, approved_hash) = written(record.approved)?;
        let (pending, pending_hash) = written(record.pending)?;
        Ok(Self {
            org_id: org.into(),
            server_id: server.into(),
            tool: record.tool,
            state: record.state.as_str().to_owned(),
            approved,
            approved_hash,
            pending,
            pending_hash,
            seen_at: At(record.seen_at),
        })
    }

    /// The server that it is of.
    pub(crate) fn server(&self) -> McpServerId {
        self.server_id.into()
    }

    pub(crate) fn into_record(self) -> Result<McpToolRecord, StoreError> {
        let state = McpToolState::named(&self.state)
            .ok_or_else(|| corrupt(TABLE, "state", &self.tool, "there is no such state"))?;
        let read = |column, described: Option<String>, hash: Option<String>| {
            let (Some(described), Some(hash)) = (described, hash) else {
                return Ok(None);
            };
            let described: Described = serde_json::from_str(&described)
                .map_err(|error| corrupt(TABLE, column, &self.tool, error))?;
            Ok::<_, StoreError>(Some(ToolVersion {
                definition: Arc::new(described.definition),
                hash,
                hint: described.hint,
            }))
        };
        Ok(McpToolRecord {
            state,
            approved: read("approved", self.approved, self.approved_hash)?,
            pending: read("pending", self.pending, self.pending_hash)?,
            seen_at: self.seen_at.0,
            tool: self.tool,
        })
    }
}

fn written(version: Option<ToolVersion>) -> Result<(Option<String>, Option<String>), StoreError> {
    let Some(version) = version else {
        return Ok((None, None));
    };
    let described = Described {
        definition: Arc::unwrap_or_clone(version.definition),
        hint: version.hint,
    };
    let described = serde_json::to_string(&described);
    let described = described.map_err(|error| StoreError::Rejected(error.into()))?;
    Ok((Some(described), Some(version.hash)))
}
