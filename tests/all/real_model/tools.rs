//! The real model calls tools of real MCP servers: of processes, and of one reached by HTTP.

use std::path::Path;

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Client, Event, Node, Part, Setup, Store, check_ended, script, soon, text};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::model;

/// A call that the model is asked for: the tool, what the model is told of the arguments, and
/// what the result holds.
struct Wanted {
    tool: &'static str,
    with: String,
    told: &'static str,
}

fn wanted(tool: &'static str, with: &str, told: &'static str) -> Wanted {
    let with = with.to_owned();
    Wanted { tool, with, told }
}

/// A small model is led by one tool at a time.
fn all(page: &str) -> Vec<Wanted> {
    vec![
        wanted(
            "mcp__time__get_current_time",
            " with timezone UTC",
            "\"timezone\": \"UTC\"",
        ),
        wanted(
            "mcp__files__list_directory",
            " with path=notes",
            "[FILE] plan.txt",
        ),
        wanted("mcp__memory__read_graph", "", "\"entities\""),
        wanted("mcp__git__git_status", " one", "No commits yet"),
        wanted(
            "mcp__fetch__fetch",
            &format!(" with url={page}"),
            "of the page",
        ),
        wanted("mcp__near__echo", " with message hello", "Echo: hello"),
        wanted(
            "mcp__far__get-sum",
            " with a=7 and b=5",
            "The sum of 7 and 5 is 12",
        ),
    ]
}

/// Servers and what they work on.
struct Servers {
    folder: TempDir,
    far: Part,
    page: Provider,
}

fn script_of(packages: &str, package: &str) -> String {
    format!("{packages}/@modelcontextprotocol/{package}/dist/index.js")
}

impl Servers {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let notes = folder.path().join("notes");
        let repository = folder.path().join("one");
        let git = ["init", "-q"];
        let made = Command::new("git").args(git).arg(repository).status();
        assert!(made.await.expect("there is git").success());
        std::fs::create_dir(&notes).expect("the folder takes folders");
        std::fs::write(notes.join("plan.txt"), "Sleep.").expect("the folder takes files");
        let far = Part::start("RUNLOOM_TEST_MCP_NODE", |packages, port| {
            let loopback = "../crates/tools/tests/mcp/loopback.cjs";
            let loopback = Path::new(env!("CARGO_MANIFEST_DIR")).join(loopback);
            let mut command = Command::new("node");
            command.arg("--require").arg(loopback);
            command.args([&script_of(packages, "server-everything"), "streamableHttp"]);
            command.env("PORT", port.to_string());
            command
        });
        // First it is asked whether robots are welcome.
        let page = [Reply::whole(404, ""), Reply::whole(200, "\"of the page\"")];
        Self {
            far: far.await,
            page: Provider::start(page).await,
            folder,
        }
    }

    /// The part of the configuration that says where they are.
    fn toml(&self) -> String {
        let variable = |name| {
            std::env::var(name)
                .unwrap_or_else(|_| panic!("{name} is not set; `cargo xtask test` sets it"))
        };
        let (node, python) = (
            variable("RUNLOOM_TEST_MCP_NODE"),
            variable("RUNLOOM_TEST_MCP_PYTHON"),
        );
        let folder = self.folder.path().display().to_string();
        let server = |key: &str, command: &str, args: &[&str]| {
            format!(
                "[[mcp_servers]]\nkey = \"{key}\"\ncommand = \"{command}\"\nargs = {args:?}\ndir = \"{folder}\"\n"
            )
        };
        let by_node =
            |key, package, argument| server(key, "node", &[&script_of(&node, package), argument]);
        let by_python =
            |key, program: &str, args: &[&str]| server(key, &format!("{python}/{program}"), args);
        let far = self.far.url();
        [
            by_python("time", "mcp-server-time", &[]),
            by_python("git", "mcp-server-git", &[]),
            by_python("fetch", "mcp-server-fetch", &["--allow-private-ips"]),
            by_node("files", "server-filesystem", &folder),
            by_node("memory", "server-memory", "none"),
            by_node("near", "server-everything", "stdio"),
            format!("[[mcp_servers]]\nkey = \"far\"\nurl = \"{far}/mcp\"\n"),
        ]
        .concat()
    }
}

/// A server with a persona for each tool, and one that tries them all by a script.
async fn start(servers: &Servers, wanted: &[Wanted]) -> Node {
    let persona = |key: &str, tools: &[&str]| {
        format!(
            "[[personas]]\nkey = \"{key}\"\nprompt = \"You are a helpful assistant.\"\n\
             tools = {tools:?}\ntemperature = 0.0\nlimits = {{ max_steps = 4 }}\n"
        )
    };
    let tools: Vec<&str> = wanted.iter().map(|it| it.tool).collect();
    let tries = tools
        .iter()
        .map(|tool| json!({ "tool_call": { "name": tool, "arguments": { "none": 1 } } }));
    let (url, name) = (model("RUNLOOM_TEST_MODEL_URL"), model("RUNLOOM_TEST_MODEL"));
    let setup = Setup::new(Store::Sqlite).toml(&format!(
        "[[routes]]\nroute_id = \"real\"\nmodel = \"{name}\"\nbase_url = \"{url}\"\n\
         max_output_tokens = 96\ndefault = true\n"
    ));
    let setup = setup
        .scripted("tries", script([tries.collect::<Value>(), text("ok")]))
        .toml(&servers.toml())
        .toml(&persona("tries", &tools));
    let each = tools.iter().map(|tool| persona(tool, &[tool]));
    setup.toml(&each.collect::<String>()).start().await
}

/// Waits until runs are offered every tool.
async fn listed(client: &Client) {
    let body = json!({ "route_id": "tries", "persona_id": "tries", "input": "x" });
    let tried = async {
        loop {
            let events = client.follow(&client.run(&body).await).await;
            let unknown = |event: &Event| event.data["error"]["error_class"] == "tool.unknown";
            if !events.iter().any(unknown) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    soon("the tools of all servers", tried).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_calls_tools_of_real_servers_by_both_transports() {
    let servers = Servers::start().await;
    let wanted = all(servers.page.url());
    let node = start(&servers, &wanted).await;
    let client = node.client();
    listed(&client).await;
    for Wanted { tool, with, told } in &wanted {
        let body = json!({ "persona_id": tool, "input": format!("Call {tool}{with}.") });
        let events = client.follow(&client.run(&body).await).await;
        check_ended(&events, "run.completed");
        let called = events.iter().find(|event| event.kind == "tool.call");
        let called = called.unwrap_or_else(|| panic!("{tool}: {events:#?}"));
        assert_eq!(called.data["tool_name"], *tool, "{}", called.data);
        let result = events.iter().find(|event| event.kind == "tool.result");
        let result = &result.expect("a result").data;
        let content = result["content"].as_str().unwrap_or_default();
        assert!(content.contains(told), "{}: {result}", called.data);
    }
}
