//! A server with a fault, and what it leaves behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_domain::{OrgId, RunId, Timestamp, ToolCallId, ToolClass, ToolInput};
use runloom_engine::port::tool::{Progress, Tool as _, ToolContext, ToolError, ToolReply};
use runloom_net::guard::{ClientOptions, Guard, IpNet, Policy};
use runloom_tools::mcp::{
    Limits, McpServer, McpServerSpec, McpTool, Pool, PoolOptions, Stdio, Transport,
};
use serde_json::{Value, json};

/// A guard that lets our own servers be reached.
pub(crate) fn guard() -> Guard {
    let loopback: IpNet = "127.0.0.0/8".parse().unwrap();
    Guard::new(Policy::allowing(vec![loopback]))
}

/// A client for looking behind the scenes.
pub(crate) fn client() -> reqwest::Client {
    guard().client(&ClientOptions::default()).unwrap()
}

pub(crate) fn pool() -> Pool {
    Pool::new(guard(), PoolOptions::default())
}

pub(crate) fn stdio(program: impl Into<String>, args: &[&str]) -> Transport {
    Transport::Stdio(Stdio {
        program: program.into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: [("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned())].into(),
        dir: None,
    })
}

/// A server with this fault, whose times are short.
pub(crate) fn faulty(fault: &str, count: Option<&Path>) -> McpServerSpec {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/faulty.py");
    let mut args = vec![script, fault];
    args.extend(count.map(|count| count.to_str().unwrap()));
    let mut spec = McpServerSpec::new(fault, "faulty", stdio("python3", &args));
    spec.limits = Limits {
        start: Duration::from_secs(15),
        call: Duration::from_secs(10),
        ..Limits::default()
    };
    spec
}

pub(crate) fn with_class(mut spec: McpServerSpec, class: ToolClass) -> McpServerSpec {
    spec.classes = vec![("*".into(), class)];
    spec
}

pub(crate) async fn tool(server: &McpServer, name: &str) -> McpTool {
    let catalog = server.catalog().await.unwrap();
    server.tool(catalog.get(name).unwrap().clone())
}

pub(crate) fn context() -> ToolContext {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    ToolContext {
        org_id: OrgId::generate(now),
        run_id: RunId::generate(now),
        tool_call_id: ToolCallId::generate(now),
        attempt: 1,
        input: None,
        progress: Progress::default(),
        http_allow: Vec::new(),
    }
}

pub(crate) fn answered(context: &ToolContext, input: ToolInput) -> ToolContext {
    ToolContext {
        attempt: context.attempt + 1,
        input: Some(input),
        ..context.clone()
    }
}

pub(crate) async fn call(tool: &McpTool, arguments: Value) -> Result<String, ToolError> {
    match tool.call(context(), arguments).await? {
        ToolReply::Output(output) => Ok(output),
        other => panic!("it says {other:?}"),
    }
}

/// Calls `echo`, and returns the class and the message of its error.
pub(crate) async fn failure(server: &McpServer) -> (String, String) {
    let tool = tool(server, "echo").await;
    let error = call(&tool, json!({"a": 1})).await.unwrap_err();
    (error.class, error.message)
}

/// The processes of a server: itself, then its children.
pub(crate) async fn pids(server: &McpServer) -> Vec<u32> {
    let said = call(&tool(server, "pids").await, json!({})).await.unwrap();
    said.split(' ').map(|pid| pid.parse().unwrap()).collect()
}

/// Whether a process is there, and isn't only waiting to be forgotten.
pub(crate) fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

/// Waits until none of these processes is there: what was killed may take a moment to die.
pub(crate) async fn gone(pids: &[u32]) {
    let until = Instant::now() + Duration::from_secs(10);
    while pids.iter().any(|pid| lives(*pid)) {
        assert!(Instant::now() < until, "still there: {pids:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Memory of this process in MiB, now or at most.
pub(crate) fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|found| found.strip_prefix(line))
        .unwrap();
    let kib: u64 = line
        .trim_matches([':', '\t', ' ', 'k', 'B'])
        .parse()
        .unwrap();
    kib / 1024
}

/// How often a server has started.
pub(crate) fn starts(count: &Path) -> usize {
    std::fs::read_to_string(count).map_or(0, |count| count.lines().count())
}

pub(crate) fn file(dir: &tempfile::TempDir, name: &str) -> PathBuf {
    dir.path().join(name)
}

/// Progress that is kept.
pub(crate) fn kept() -> (Progress, Arc<std::sync::Mutex<Vec<f64>>>) {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let progress = Progress::to(move |report| sink.lock().unwrap().push(report.done));
    (progress, seen)
}
