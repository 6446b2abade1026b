//! The protocol's own suite for clients, as far as it is about what we do.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use runloom_domain::{InputAction, ToolInput};
use runloom_engine::port::tool::{Tool as _, ToolReply};
use runloom_tools::mcp::{Auth, McpServerSpec, Secret, Transport};
use serde_json::{Value, json};

use crate::real::variable;
use crate::support::{answered, client, context, pool};

#[tokio::test(flavor = "multi_thread")]
async fn initialize() {
    passes("initialize").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_call() {
    passes("tools_call").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_is_resumed() {
    passes("sse-retry").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_of_questions() {
    passes("elicitation-sep1034-client-defaults").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials() {
    passes("auth/client-credentials-basic").await;
}

async fn passes(scenario: &str) {
    let dir = tempfile::tempdir().unwrap();
    let suite = suite(scenario, dir.path());
    let told = told(dir.path()).await;
    play(&told).await;
    std::fs::write(dir.path().join("done"), "").unwrap();
    let output = tokio::task::spawn_blocking(suite).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = said + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {said}");
}

/// Starts the suite. What comes back waits for its end.
fn suite(scenario: &str, dir: &Path) -> impl FnOnce() -> Output + Send + use<> {
    let packages = variable("RUNLOOM_TEST_MCP_NODE");
    let script = packages.join("@modelcontextprotocol/conformance/dist/index.js");
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp");
    let relay = format!("python3 {here}/relay.py {}", dir.display());
    let suite = Command::new(variable("RUNLOOM_TEST_NODE22"))
        .arg("--require")
        .arg(format!("{here}/loopback.cjs"))
        .arg(script)
        .args(["client", "--scenario", scenario, "--command", &relay])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    move || suite.wait_with_output().unwrap()
}

async fn told(dir: &Path) -> Value {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        if let Ok(told) = std::fs::read(dir.join("told")) {
            return serde_json::from_slice(&told).unwrap();
        }
        assert!(Instant::now() < until, "the suite doesn't start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Calls every tool that the suite offers.
async fn play(told: &Value) {
    let url = told["url"].as_str().unwrap().to_owned();
    let auth = match told["context"]["client_secret"].as_str() {
        Some(secret) => Auth::ClientCredentials {
            token_url: token_url(&url).await,
            client_id: told["context"]["client_id"].as_str().unwrap().into(),
            secret: Secret::new(secret.into()),
            scope: None,
        },
        None => Auth::None,
    };
    let pool = pool();
    let transport = Transport::Http { url, auth };
    let server = pool.server(McpServerSpec::new("suite", "suite", transport));
    let catalog = server.catalog().await.unwrap();
    for info in &catalog.tools {
        let tool = server.tool(info.clone());
        let arguments = json!({"a": 2, "b": 3});
        let mut context = context();
        let mut reply = tool.call(context.clone(), arguments.clone()).await.unwrap();
        while let ToolReply::NeedsInput(question) = reply {
            let action = InputAction::Accept(json!({}));
            let state = question.state;
            context = answered(&context, ToolInput { action, state });
            reply = tool.call(context.clone(), arguments.clone()).await.unwrap();
        }
    }
    pool.shutdown().await;
}

/// Who runs a server has to say where its tokens come from; here its own documents do.
async fn token_url(url: &str) -> String {
    let (base, path) = url.split_at(url.rfind('/').unwrap());
    let document = format!("{base}/.well-known/oauth-protected-resource{path}");
    let resource: Value = get(&document).await;
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    let issuer = issuer.trim_end_matches('/');
    let document = format!("{issuer}/.well-known/oauth-authorization-server");
    let server: Value = get(&document).await;
    server["token_endpoint"].as_str().unwrap().to_owned()
}

async fn get(url: &str) -> Value {
    let answer = client().get(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.json().await.unwrap()
}
