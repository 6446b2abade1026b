//! Servers that others wrote, over both transports.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use runloom_domain::{InputAction, ToolInput};
use runloom_engine::port::tool::{Tool as _, ToolReply};
use runloom_tools::mcp::{Auth, McpServer, McpServerSpec, Pool, Transport};
use serde_json::{Value, json};

use crate::support::{answered, call, context, kept, pool, stdio, tool};

pub(crate) fn variable(name: &str) -> PathBuf {
    let value = std::env::var_os(name);
    value
        .unwrap_or_else(|| panic!("{name} is not set; `cargo xtask test` does"))
        .into()
}

fn script(package: &str) -> String {
    let packages = variable("RUNLOOM_TEST_MCP_NODE");
    let path = packages
        .join("@modelcontextprotocol")
        .join(package)
        .join("dist/index.js");
    path.display().to_string()
}

fn node(pool: &Pool, package: &str, args: &[&str]) -> McpServer {
    let script = script(package);
    let mut all = vec![script.as_str()];
    all.extend(args);
    pool.server(McpServerSpec::new(package, package, stdio("node", &all)))
}

fn python(pool: &Pool, program: &str, args: &[&str]) -> McpServer {
    let path = variable("RUNLOOM_TEST_MCP_PYTHON").join(program);
    let transport = stdio(path.display().to_string(), args);
    pool.server(McpServerSpec::new(program, program, transport))
}

/// `server-everything` by HTTP. It listens at all addresses unless somebody stops it.
struct Everything {
    process: Child,
    url: String,
}

impl Everything {
    async fn start(pool: &Pool) -> (Self, McpServer) {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let loopback = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/loopback.cjs");
        let process = Command::new("node")
            .args([
                "--require",
                loopback,
                &script("server-everything"),
                "streamableHttp",
            ])
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}/mcp");
        let everything = Self { process, url };
        let until = Instant::now() + Duration::from_secs(30);
        while tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
        {
            assert!(Instant::now() < until, "it doesn't listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let url = everything.url.clone();
        let transport = Transport::Http {
            url,
            auth: Auth::None,
        };
        let server = pool.server(McpServerSpec::new("http", "everything", transport));
        (everything, server)
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

async fn says(server: &McpServer, name: &str, arguments: Value) -> String {
    let called = call(&tool(server, name).await, arguments).await;
    called.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What `server-everything` can do, by whichever transport.
async fn everything(server: &McpServer) {
    assert_eq!(
        says(server, "echo", json!({"message": "hi"})).await,
        "Echo: hi"
    );
    let sum = says(server, "get-sum", json!({"a": 7, "b": 5})).await;
    assert!(sum.contains("12"), "{sum}");
    let weather = says(
        server,
        "get-structured-content",
        json!({"location": "Chicago"}),
    )
    .await;
    let weather: Value = serde_json::from_str(&weather).unwrap();
    assert!(weather["temperature"].is_number(), "{weather}");
    let image = says(server, "get-tiny-image", json!({})).await;
    assert!(image.contains("[image, image/png, about "), "{image}");
    assert!(image.contains("\"data\":\""), "the whole result is kept");

    let slow = tool(server, "trigger-long-running-operation").await;
    let (progress, seen) = kept();
    let mut observed = context();
    observed.progress = progress;
    let arguments = json!({"duration": 1, "steps": 4});
    let reply = slow.call(observed, arguments).await.unwrap();
    assert!(matches!(reply, ToolReply::Output(_)), "{reply:?}");
    assert!(!seen.lock().unwrap().is_empty(), "no progress");

    let asks = tool(server, "trigger-elicitation-request").await;
    let first = context();
    let asked = asks.call(first.clone(), json!({})).await.unwrap();
    let ToolReply::NeedsInput(question) = asked else {
        panic!("it asks nothing: {asked:?}")
    };
    let action = InputAction::Accept(json!({"name": "Ann"}));
    let state = question.state;
    let input = ToolInput { action, state };
    let reply = asks.call(answered(&first, input), json!({})).await.unwrap();
    let ToolReply::Output(said) = reply else {
        panic!("it asks again: {reply:?}")
    };
    assert!(said.contains("Ann"), "{said}");

    let dropped = slow.call(context(), json!({"duration": 60, "steps": 60}));
    let dropped = tokio::time::timeout(Duration::from_millis(300), dropped).await;
    assert!(dropped.is_err());
    says(server, "echo", json!({"message": "still there"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_by_standard_streams() {
    let pool = pool();
    let server = node(&pool, "server-everything", &["stdio"]);
    everything(&server).await;
    // It may still be at the call that was given up, and doesn't say which one asks.
    let said = says(&server, "trigger-elicitation-request", json!({})).await;
    assert!(said.contains("cancel"), "{said}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_by_http() {
    let pool = pool();
    let (running, server) = Everything::start(&pool).await;
    everything(&server).await;
    pool.shutdown().await;
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_server_that_comes_back_is_used_again() {
    let pool = pool();
    let (running, server) = Everything::start(&pool).await;
    says(&server, "echo", json!({"message": "one"})).await;
    drop(running);
    let echo = tool_known(&server, "echo");
    let gone = call(&echo, json!({"message": "two"})).await.unwrap_err();
    assert_eq!(gone.class, "tool.unavailable", "{gone}");
    pool.shutdown().await;
}

fn tool_known(server: &McpServer, name: &str) -> runloom_tools::mcp::McpTool {
    server.tool(server.known().unwrap().get(name).unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_memory() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let pool = pool();
    let files = node(&pool, "server-filesystem", &[root]);
    let path = format!("{root}/a.txt");
    says(
        &files,
        "write_file",
        json!({"path": path, "content": "hello"}),
    )
    .await;
    let read = says(&files, "read_text_file", json!({"path": path})).await;
    assert!(read.contains("hello"), "{read}");
    let outside = call(
        &tool(&files, "read_text_file").await,
        json!({"path": "/etc/passwd"}),
    )
    .await;
    assert_eq!(outside.unwrap_err().class, "tool.failed");

    let memory = node(&pool, "server-memory", &[]);
    let entity = json!({"entities": [{"name": "x", "entityType": "t", "observations": ["o"]}]});
    says(&memory, "create_entities", entity).await;
    let graph = says(&memory, "read_graph", json!({})).await;
    assert!(graph.contains("\"x\""), "{graph}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_in_python() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let made = Command::new("git").args(["init", "-q", root]).status();
    assert!(made.unwrap().success());
    let pool = pool();
    let time = python(&pool, "mcp-server-time", &[]);
    let now = says(&time, "get_current_time", json!({"timezone": "UTC"})).await;
    assert!(now.contains("UTC"), "{now}");
    let git = python(&pool, "mcp-server-git", &["--repository", root]);
    let status = says(&git, "git_status", json!({"repo_path": root})).await;
    assert!(status.contains("No commits yet"), "{status}");
    let fetch = python(&pool, "mcp-server-fetch", &[]);
    let nothing = call(
        &tool(&fetch, "fetch").await,
        json!({"url": "http://127.0.0.1:9/"}),
    )
    .await;
    assert!(nothing.is_err(), "{nothing:?}");
    pool.shutdown().await;
}
