use diesel::prelude::*;
use runloom_domain::{EncryptedSecret, ToolClass};
use runloom_store::{
    Discovery, DiscoveryError, McpAuth, McpServerRecord, McpServerSettings, StoreError,
};
use serde::{Deserialize, Serialize};

use super::{secret, signed, unsigned};
use crate::failure::corrupt;
use crate::schema::mcp_servers;
use crate::types::{At, Id};

const TABLE: &str = "mcp_servers";

/// An MCP server as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = mcp_servers, primary_key(org_id, server_id))]
#[diesel(treat_none_as_null = true)]
pub(crate) struct McpServerRow {
    org_id: Id,
    server_id: Id,
    server_key: String,
    name: String,
    url: String,
    auth: String,
    secret: Option<Vec<u8>>,
    secret_nonce: Option<Vec<u8>>,
    secret_key_version: Option<i64>,
    enabled: bool,
    terms: String,
    listed_at: Option<At>,
    version: i64,
    created_by: Id,
    created_at: At,
    updated_at: At,
    asked_at: Option<At>,
    failures: i64,
    error_class: Option<String>,
    error_message: Option<String>,
}

/// What no statement asks for, as one document. A field that comes later needs a default.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Terms {
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<TokenSource>,
    trusted: bool,
    approve_new: bool,
    classes: Vec<(String, ToolClass)>,
    call_timeout_ms: u64,
    longest_ms: u64,
}

/// Where tokens come from.
#[derive(Serialize, Deserialize)]
struct TokenSource {
    token_url: String,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl McpServerRow {
    pub(crate) fn new(record: McpServerRecord) -> Result<Self, StoreError> {
        let settings = record.settings;
        let (auth, client, secret) = taken_apart(settings.auth);
        let terms = Terms {
            client,
            trusted: settings.trusted,
            approve_new: settings.approve_new,
            classes: settings.classes,
            call_timeout_ms: settings.call_timeout_ms,
            longest_ms: settings.longest_ms,
        };
        let terms = serde_json::to_string(&terms);
        let (secret, secret_nonce, secret_key_version) = secret::columns(secret);
        let error = record.discovery.error;
        let (error_class, error_message) = error.map(|it| (it.class, it.message)).unzip();
        Ok(Self {
            org_id: record.org_id.into(),
            server_id: record.server_id.into(),
            server_key: record.key,
            name: settings.name,
            url: settings.url,
            auth: auth.to_owned(),
            secret,
            secret_nonce,
            secret_key_version,
            enabled: settings.enabled,
            terms: terms.map_err(|error| StoreError::Rejected(error.into()))?,
            listed_at: record.listed_at.map(At),
            version: signed(record.version),
            created_by: record.created_by.into(),
            created_at: At(record.created_at),
            updated_at: At(record.updated_at),
            asked_at: record.discovery.asked_at.map(At),
            failures: record.discovery.failures.into(),
            error_class,
            error_message,
        })
    }

    pub(crate) fn into_record(self) -> Result<McpServerRecord, StoreError> {
        let id = self.server_id;
        let terms: Terms = serde_json::from_str(&self.terms)
            .map_err(|error| corrupt(TABLE, "terms", id, error))?;
        let columns = (self.secret, self.secret_nonce, self.secret_key_version);
        let secret = secret::read(TABLE, id, columns)?;
        let auth = put_together(&self.auth, terms.client, secret)
            .ok_or_else(|| corrupt(TABLE, "auth", id, "what it needs isn't there"))?;
        let error = self.error_class.zip(self.error_message);
        let discovery = Discovery {
            asked_at: self.asked_at.map(|at| at.0),
            // Only the wait until the next try follows from it, and that has a bound.
            failures: u32::try_from(self.failures).unwrap_or(u32::MAX),
            error: error.map(|(class, message)| DiscoveryError { class, message }),
        };
        Ok(McpServerRecord {
            org_id: self.org_id.into(),
            server_id: id.into(),
            key: self.server_key,
            settings: McpServerSettings {
                name: self.name,
                url: self.url,
                auth,
                enabled: self.enabled,
                trusted: terms.trusted,
                approve_new: terms.approve_new,
                classes: terms.classes,
                call_timeout_ms: terms.call_timeout_ms,
                longest_ms: terms.longest_ms,
            },
            listed_at: self.listed_at.map(|at| at.0),
            version: unsigned(TABLE, "version", id, self.version)?,
            created_by: self.created_by.into(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            discovery,
        })
    }
}

fn taken_apart(auth: McpAuth) -> (&'static str, Option<TokenSource>, Option<EncryptedSecret>) {
    match auth {
        McpAuth::None => ("none", None, None),
        McpAuth::Bearer(secret) => ("bearer", None, Some(secret)),
        McpAuth::ClientCredentials {
            token_url,
            client_id,
            scope,
            secret,
        } => {
            let client = TokenSource {
                token_url,
                client_id,
                scope,
            };
            ("client_credentials", Some(client), Some(secret))
        }
    }
}

fn put_together(
    auth: &str,
    client: Option<TokenSource>,
    secret: Option<EncryptedSecret>,
) -> Option<McpAuth> {
    match (auth, client, secret) {
        ("none", None, None) => Some(McpAuth::None),
        ("bearer", None, Some(secret)) => Some(McpAuth::Bearer(secret)),
        ("client_credentials", Some(client), Some(secret)) => Some(McpAuth::ClientCredentials {
            token_url: client.token_url,
            client_id: client.client_id,
            scope: client.scope,
            secret,
        }),
        _ => None,
    }
}
