use std::collections::BTreeMap;

use diesel::prelude::*;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_store::{HttpMethod, HttpToolRecord, HttpToolSettings, SecretHeader, StoreError};
use serde::{Deserialize, Serialize};

use super::{secret, signed, unsigned};
use crate::failure::corrupt;
use crate::schema::http_tools;
use crate::types::{At, Id};

const TABLE: &str = "http_tools";

/// An HTTP tool as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = http_tools, primary_key(org_id, tool_id))]
#[diesel(treat_none_as_null = true)]
pub(crate) struct HttpToolRow {
    org_id: Id,
    tool_id: Id,
    name: String,
    description: String,
    schema: String,
    url: String,
    enabled: bool,
    terms: String,
    secret: Option<Vec<u8>>,
    secret_nonce: Option<Vec<u8>>,
    secret_key_version: Option<i64>,
    signing: Vec<u8>,
    signing_nonce: Vec<u8>,
    signing_key_version: i64,
    version: i64,
    created_by: Id,
    created_at: At,
    updated_at: At,
}

/// What no statement asks for, as one document. A field that comes later needs a default.
#[derive(Serialize, Deserialize)]
struct Terms {
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The name of the secret header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_header: Option<String>,
    class: ToolClass,
    timeout_ms: u64,
}

impl HttpToolRow {
    pub(crate) fn new(record: HttpToolRecord) -> Result<Self, StoreError> {
        let settings = record.settings;
        let (header, value) = match settings.secret_header {
            Some(SecretHeader { name, value }) => (Some(name), Some(value)),
            None => (None, None),
        };
        let terms = Terms {
            method: settings.method.as_str().to_owned(),
            headers: settings.headers,
            secret_header: header,
            class: settings.class,
            timeout_ms: settings.timeout_ms,
        };
        let terms = serde_json::to_string(&terms);
        let (secret, secret_nonce, secret_key_version) = secret::columns(value);
        Ok(Self {
            org_id: record.org_id.into(),
            tool_id: record.tool_id.into(),
            name: settings.definition.name,
            description: settings.definition.description,
            schema: settings.definition.schema.to_string(),
            url: settings.url,
            enabled: settings.enabled,
            terms: terms.map_err(|error| StoreError::Rejected(error.into()))?,
            secret,
            secret_nonce,
            secret_key_version,
            signing: settings.signing_secret.ciphertext,
            signing_nonce: settings.signing_secret.nonce.to_vec(),
            signing_key_version: settings.signing_secret.key_version.into(),
            version: signed(record.version),
            created_by: record.created_by.into(),
            created_at: At(record.created_at),
            updated_at: At(record.updated_at),
        })
    }

    pub(crate) fn into_record(self) -> Result<HttpToolRecord, StoreError> {
        let id = self.tool_id;
        let terms: Terms = serde_json::from_str(&self.terms)
            .map_err(|error| corrupt(TABLE, "terms", id, error))?;
        let schema = serde_json::from_str(&self.schema)
            .map_err(|error| corrupt(TABLE, "schema", id, error))?;
        let columns = (self.secret, self.secret_nonce, self.secret_key_version);
        let value = secret::read(TABLE, id, columns)?;
        let columns = (
            Some(self.signing),
            Some(self.signing_nonce),
            Some(self.signing_key_version),
        );
        let signing_secret = secret::read(TABLE, id, columns)?
            .ok_or_else(|| corrupt(TABLE, "signing", id, "it isn't there"))?;
        let method = HttpMethod::named(&terms.method)
            .ok_or_else(|| corrupt(TABLE, "terms", id, "there is no such method"))?;
        let header = terms.secret_header.zip(value);
        Ok(HttpToolRecord {
            org_id: self.org_id.into(),
            tool_id: id.into(),
            settings: HttpToolSettings {
                definition: ToolDefinition {
                    name: self.name,
                    description: self.description,
                    schema,
                },
                url: self.url,
                method,
                headers: terms.headers,
                secret_header: header.map(|(name, value)| SecretHeader { name, value }),
                signing_secret,
                class: terms.class,
                timeout_ms: terms.timeout_ms,
                enabled: self.enabled,
            },
            version: unsigned(TABLE, "version", id, self.version)?,
            created_by: self.created_by.into(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}
