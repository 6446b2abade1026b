use std::sync::Arc;

use runloom_domain::{ToolDefinition, ToolOrigin};
use runloom_engine::port::tool::OfferedTool;
use runloom_store::{ConfiguredTools, HttpToolRecord, McpListing};
use serde_json::Value;

use crate::wiring::remembered::Weigh;

/// What a value takes besides its texts, in bytes: roughly what `serde_json` needs.
const VALUE: u64 = 64;

/// What a tool or a server takes besides its definition, in bytes.
const ROW: u64 = 1_024;

/// The tools that an organisation has brought.
pub(super) struct Brought {
    pub(super) tools: ConfiguredTools,
    /// Those that runs may use. Asked for whenever a run begins, so it is put together once.
    pub(super) offered: Arc<[OfferedTool]>,
    bytes: u64,
}

impl Brought {
    pub(super) fn new(tools: ConfiguredTools) -> Self {
        let mcp = tools.servers.iter().flat_map(offered_mcp);
        let http = tools.http.iter().filter(|tool| tool.settings.enabled);
        Self {
            offered: mcp.chain(http.map(offered_http)).collect(),
            bytes: bytes(&tools),
            tools,
        }
    }
}

impl Weigh for Brought {
    fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn offered_mcp(listing: &McpListing) -> impl Iterator<Item = OfferedTool> {
    let server = &listing.server;
    let tools = listing.tools.iter().filter(|_| server.settings.enabled);
    tools.filter_map(|tool| {
        let version = tool.usable()?;
        Some(OfferedTool {
            definition: Arc::clone(&version.definition),
            class: server.settings.class(&tool.tool, version.hint),
            origin: ToolOrigin::Mcp {
                server: server.server_id.to_string(),
                tool: tool.tool.clone(),
            },
        })
    })
}

fn offered_http(tool: &HttpToolRecord) -> OfferedTool {
    OfferedTool {
        definition: Arc::new(tool.settings.definition.clone()),
        class: tool.settings.class,
        origin: ToolOrigin::Http {
            tool_id: tool.tool_id.to_string(),
        },
    }
}

/// About how much memory they take.
fn bytes(tools: &ConfiguredTools) -> u64 {
    let mcp = tools.servers.iter().map(|listing| {
        let described = listing.tools.iter().map(|tool| {
            let approved = tool.approved.as_ref();
            ROW + approved.map_or(0, |version| described(&version.definition))
        });
        ROW + described.sum::<u64>()
    });
    let http = tools.http.iter();
    // Once in the row and once among what is offered.
    let http = http.map(|tool| ROW + 2 * described(&tool.settings.definition));
    mcp.chain(http).sum()
}

fn described(definition: &ToolDefinition) -> u64 {
    let texts = definition.name.len() + definition.description.len();
    texts as u64 + value(&definition.schema)
}

fn value(schema: &Value) -> u64 {
    let inner: u64 = match schema {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(value).sum(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, of)| name.len() as u64 + value(of))
                .sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    VALUE + inner
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_counts() {
        let small = value(&json!({ "type": "object" }));
        let long = value(&json!({ "type": "object", "description": "x".repeat(10_000) }));
        let many = value(&json!({ "enum": vec![0; 1_000] }));
        assert!(small < 300 && long > 10_000 && many > 50_000);
    }
}
