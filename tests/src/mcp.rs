//! A server of tools that speaks MCP by streamable HTTP, and can change its mind.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};

use crate::provider::serve::{answer, read_request};
use crate::provider::{Piece, Reply, Request};

/// The server; it stops when it is dropped.
#[derive(Debug)]
pub struct McpServer {
    url: String,
    shared: Arc<Shared>,
    acceptor: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    tools: Mutex<Vec<Value>>,
    /// The token that a request has to show, if any.
    token: Option<String>,
    /// Whether the next result of a call is preceded by the news that the tools changed.
    news: AtomicBool,
    requests: Mutex<Vec<Request>>,
}

/// A tool with this name and description, as it is listed.
pub fn mcp_tool(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object" } })
}

impl McpServer {
    /// Starts a server that lists these tools. A call of one that is named `hang` has no answer.
    pub async fn start<const N: usize>(tools: [Value; N]) -> Self {
        Self::serving(tools.into(), None).await
    }

    /// The same for a server that refuses whoever doesn't show this bearer token.
    pub async fn guarded<const N: usize>(tools: [Value; N], token: &str) -> Self {
        Self::serving(tools.into(), Some(token.to_owned())).await
    }

    async fn serving(tools: Vec<Value>, token: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            tools: Mutex::new(tools),
            token,
            news: AtomicBool::new(false),
            requests: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let acceptor = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&serving)));
            }
        });
        Self {
            url: format!("http://{address}/mcp"),
            shared,
            acceptor,
        }
    }

    /// Where messages are posted to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Replaces what it lists.
    pub fn now_lists<const N: usize>(&self, tools: [Value; N]) {
        *self.shared.tools.lock().expect("nobody panics") = tools.into();
    }

    /// The same, and says so with the next result of a call.
    pub fn now_lists_and_tells<const N: usize>(&self, tools: [Value; N]) {
        self.now_lists(tools);
        self.shared.news.store(true, Ordering::SeqCst);
    }

    /// The requests so far for a method, such as `tools/call`.
    pub fn requests(&self, method: &str) -> Vec<Request> {
        let all = self.shared.requests.lock().expect("nobody panics");
        let of = all
            .iter()
            .filter(|request| request.body["method"] == method);
        of.cloned().collect()
    }
}

impl Drop for McpServer {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// One request a connection.
async fn serve(connection: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let (read, mut write) = connection.into_split();
    let request = read_request(&mut BufReader::new(read)).await?;
    let shown = request.headers.get("authorization");
    let wanted = shared.token.as_ref().map(|token| format!("Bearer {token}"));
    let said = match wanted {
        Some(wanted) if shown != Some(&wanted) => Reply::whole(401, ""),
        _ => reply(&shared, &request.body),
    };
    shared.requests.lock().expect("nobody panics").push(request);
    answer(&mut write, said).await
}

fn reply(shared: &Shared, message: &Value) -> Reply {
    let result = match message["method"].as_str() {
        // Whoever listens for messages of ours waits in vain.
        None => return Reply::whole(405, ""),
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "tools": { "listChanged": true } },
            "serverInfo": { "name": "ours", "version": "1" },
        }),
        Some("tools/list") => json!({ "tools": *shared.tools.lock().expect("nobody panics") }),
        Some("tools/call") if message["params"]["name"] == "hang" => return Reply::Silence,
        Some("tools/call") => {
            let text = format!("did {}", message["params"]["name"]);
            json!({ "content": [{ "type": "text", "text": text }] })
        }
        Some(_) if message["id"].is_null() => return Reply::whole(202, ""),
        Some(_) => {
            let error = json!({ "code": -32601, "message": "there is no such method" });
            let said = json!({ "jsonrpc": "2.0", "id": message["id"], "error": error });
            return Reply::whole(200, &said.to_string());
        }
    };
    let said = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    let is_call = message["method"] == "tools/call";
    if is_call && shared.news.swap(false, Ordering::SeqCst) {
        let method = "notifications/tools/list_changed";
        let news = json!({ "jsonrpc": "2.0", "method": method });
        let events = format!("data: {news}\n\ndata: {said}\n\n");
        return Reply::Stream(vec![Piece::Raw(events.into_bytes())]);
    }
    Reply::whole(200, &said.to_string())
}
