use std::collections::BTreeMap;

use runloom_domain::{HttpToolId, OrgId, Timestamp, ToolClass, UserId};
use runloom_store::HttpToolRecord;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An HTTP tool without its secrets.
#[derive(Serialize, ToSchema)]
pub(crate) struct HttpTool {
    #[schema(value_type = Uuid)]
    id: HttpToolId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    #[schema(example = "look_up_order")]
    name: String,
    description: String,
    #[schema(value_type = Object)]
    schema: Value,
    url: String,
    #[schema(example = "POST")]
    method: &'static str,
    #[schema(value_type = Object)]
    headers: BTreeMap<String, String>,
    /// The name of the header whose value isn't shown.
    #[schema(required, example = "authorization")]
    secret_header: Option<String>,
    #[schema(value_type = String)]
    class: ToolClass,
    timeout_ms: u64,
    enabled: bool,
    /// Raised by each change; the ETag.
    version: u64,
    #[schema(value_type = Uuid)]
    created_by_user_id: UserId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<HttpToolRecord> for HttpTool {
    fn from(record: HttpToolRecord) -> Self {
        let settings = record.settings;
        Self {
            id: record.tool_id,
            org_id: record.org_id,
            name: settings.definition.name,
            description: settings.definition.description,
            schema: settings.definition.schema,
            url: settings.url,
            method: settings.method.as_str(),
            headers: settings.headers,
            secret_header: settings.secret_header.map(|header| header.name),
            class: settings.class,
            timeout_ms: settings.timeout_ms,
            enabled: settings.enabled,
            version: record.version,
            created_by_user_id: record.created_by,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}
