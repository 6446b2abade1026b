//! What tools a server has.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    ClientRequest, JsonObject, ListToolsRequest, PaginatedRequestParams, ServerResult, Tool,
};
use runloom_domain::{ToolClass, ToolDefinition};
use serde_json::Value;
use tokio::time::timeout;

use super::class::class;
use super::connection::Connection;
use super::error::McpError;
use super::names::names;
use super::schema;
use super::spec::McpServerSpec;

/// How many tools of one server are used, and how many bytes all that describes them may have.
const TOOLS: usize = 512;
const BYTES: usize = 1024 * 1024;

/// How many pages they may be spread over.
const PAGES: usize = 64;

/// How long a tool's own name and description may be.
const NAME: usize = 128;
const DESCRIPTION: usize = 16 * 1024;

/// The tools of one server, as it listed them last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    /// Those that can be used, by their own names.
    pub tools: Vec<McpToolInfo>,
    /// Those that can't, with the reason.
    pub refused: Vec<(String, String)>,
}

/// A tool of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct McpToolInfo {
    /// Its name at the server.
    pub tool: String,
    /// As models see it.
    pub definition: Arc<ToolDefinition>,
    /// What identifies the definition, and changes with it.
    pub hash: String,
    /// What a crash in mid-call means.
    pub class: ToolClass,
}

impl Catalog {
    /// The tool of this name at the server.
    pub fn get(&self, tool: &str) -> Option<&McpToolInfo> {
        self.tools.iter().find(|info| info.tool == tool)
    }
}

/// The list of one connection.
#[derive(Default)]
pub(super) struct Listing {
    newest: Mutex<Option<Arc<Catalog>>>,
    /// Held while the server is asked, so that those who want to know at once ask once.
    asking: tokio::sync::Mutex<()>,
}

impl Connection {
    /// The server's tools as of now, as far as it tells when they change.
    pub(super) async fn catalog(&self, spec: &McpServerSpec) -> Result<Arc<Catalog>, McpError> {
        let _asking = self.listing.asking.lock().await;
        if self.take_stale() {
            // Whoever comes next asks again if this listing fails or nobody waits for it any more.
            *self.listing.lock() = None;
        }
        if let Some(known) = self.listing.known() {
            return Ok(known);
        }
        let listed = timeout(spec.limits.start, self.list()).await;
        let listed = listed.unwrap_or(Err(McpError::Idle(spec.limits.start)))?;
        let catalog = Arc::new(read(spec, listed));
        *self.listing.lock() = Some(Arc::clone(&catalog));
        Ok(catalog)
    }

    /// All pages, within bounds.
    async fn list(&self) -> Result<Vec<Value>, McpError> {
        let mut tools = Vec::new();
        let (mut bytes, mut cursor) = (0_usize, None);
        for _ in 0..PAGES {
            let (page, next) = self.page(cursor).await?;
            for tool in page {
                bytes = bytes.saturating_add(tool.to_string().len());
                if tools.len() == TOOLS || bytes > BYTES {
                    return Err(McpError::Refused(format!(
                        "the server lists more than {TOOLS} tools or {BYTES} bytes of them"
                    )));
                }
                tools.push(tool);
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(tools),
            }
        }
        let why = format!("the server lists its tools on more than {PAGES} pages");
        Err(McpError::Refused(why))
    }

    /// Tools as they were written: one that can't be read shouldn't hide the others.
    async fn page(&self, cursor: Option<String>) -> Result<(Vec<Value>, Option<String>), McpError> {
        let params = PaginatedRequestParams::default().with_cursor(cursor);
        let request = ListToolsRequest::with_param(params);
        let answer = self
            .peer
            .send_request(ClientRequest::ListToolsRequest(request))
            .await
            .map_err(|error| McpError::of_request(&error, self.fault()))?;
        let unreadable = || McpError::Refused("the server's list of tools can't be read".into());
        let value = match answer {
            ServerResult::ListToolsResult(list) => serde_json::to_value(list).ok(),
            ServerResult::CustomResult(list) => Some(list.0),
            _ => None,
        };
        let Some(Value::Object(mut list)) = value else {
            return Err(unreadable());
        };
        let Some(Value::Array(tools)) = list.remove("tools") else {
            return Err(unreadable());
        };
        let next = list.get("nextCursor").and_then(Value::as_str);
        Ok((tools, next.map(str::to_owned)))
    }
}

impl Listing {
    pub(super) fn known(&self) -> Option<Arc<Catalog>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Catalog>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the tools that can be used.
fn read(spec: &McpServerSpec, listed: Vec<Value>) -> Catalog {
    let mut refused = Vec::new();
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for value in listed {
        let name = value
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let name: String = name.chars().take(NAME).collect();
        match usable(value) {
            Ok(tool) if seen.insert(name.clone()) => kept.push(tool),
            Ok(_) => refused.push((name, "another tool has its name".to_owned())),
            Err(why) => refused.push((name, why)),
        }
    }
    for (tool, why) in &refused {
        tracing::warn!(server = spec.id, tool, why, "a tool is not used");
    }
    // Their order is the server's whim, and would show in prompts.
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    let own: Vec<&str> = kept.iter().map(|tool| &*tool.name).collect();
    let names = names(&spec.key, &own);
    let tools = kept
        .iter()
        .zip(names)
        .map(|(tool, name)| info(spec, tool, name));
    Catalog {
        tools: tools.collect(),
        refused,
    }
}

fn usable(value: Value) -> Result<Tool, String> {
    let tool: Tool =
        serde_json::from_value(value).map_err(|error| format!("it can't be read: {error}"))?;
    if tool.name.is_empty() || tool.name.len() > NAME {
        return Err(format!("its name doesn't have 1 to {NAME} bytes"));
    }
    if tool
        .description
        .as_ref()
        .is_some_and(|text| text.len() > DESCRIPTION)
    {
        return Err(format!("its description has more than {DESCRIPTION} bytes"));
    }
    schema::check(&tool.input_schema).map_err(|error| error.to_string())?;
    Ok(tool)
}

fn info(spec: &McpServerSpec, tool: &Tool, name: String) -> McpToolInfo {
    let description = tool.description.as_deref().or(tool.title.as_deref());
    let definition = ToolDefinition {
        name,
        description: description.unwrap_or_default().to_owned(),
        schema: Value::Object(schema_of(&tool.input_schema)),
    };
    McpToolInfo {
        tool: tool.name.to_string(),
        hash: definition.pinned().0,
        definition: Arc::new(definition),
        class: class(spec, &tool.name, tool.annotations.as_ref()),
    }
}

/// Some providers refuse a schema that doesn't say that it is one of an object.
fn schema_of(schema: &JsonObject) -> JsonObject {
    let mut schema = schema.clone();
    schema.entry("type").or_insert_with(|| "object".into());
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mcp::{Auth, Transport};

    fn spec() -> McpServerSpec {
        let url = "http://example.com".to_owned();
        McpServerSpec::new(
            "a",
            "a",
            Transport::Http {
                url,
                auth: Auth::None,
            },
        )
    }

    #[test]
    fn one_bad_tool_doesnt_hide_the_others() {
        let listed = vec![
            json!({"name": "b", "description": "B", "inputSchema": {"type": "object"}}),
            json!({"name": "cycle", "inputSchema": {"properties": {"a": {"$ref": "#"}}}}),
            json!({"name": "none"}),
            json!({"name": "b", "inputSchema": {}}),
            json!({"name": "", "inputSchema": {}}),
            json!({"name": "a", "inputSchema": {}}),
        ];
        let catalog = read(&spec(), listed);
        let names: Vec<_> = catalog
            .tools
            .iter()
            .map(|info| &info.definition.name)
            .collect();
        assert_eq!(names, ["mcp__a__a", "mcp__a__b"]);
        assert_eq!(
            catalog.tools[0].definition.schema,
            json!({"type": "object"})
        );
        let refused: Vec<_> = catalog
            .refused
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(refused, ["cycle", "none", "b", ""]);
    }

    #[test]
    fn the_hash_is_that_of_what_models_see() {
        let tool = |text: &str| json!({"name": "t", "description": text, "inputSchema": {}});
        let one = read(&spec(), vec![tool("one")]);
        let two = read(&spec(), vec![tool("two")]);
        assert_ne!(one.tools[0].hash, two.tools[0].hash);
        assert_eq!(one.tools[0].hash, one.tools[0].definition.pinned().0);
    }
}
