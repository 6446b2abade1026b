//! What a tool call costs: runs with some calls beside runs without any, on one server and
//! within one load.

use super::mcp;
use super::measure::Bench;
use super::report::Measured;
use super::row::Row;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

/// How many calls a run makes.
pub(crate) const CALLS: [usize; 3] = [1, 10, 100];

/// The persona that may call all of them, as often as it likes.
pub(crate) const PERSONA: &str = "caller";

/// Whose tool is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One of the program's own: a calculation.
    BuiltIn,
    /// One of an MCP server that is reached by HTTP.
    Http,
    /// One of an MCP server that is a process of the server's.
    Stdio,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::BuiltIn, Self::Http, Self::Stdio];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Http => "http",
            Self::Stdio => "stdio",
        }
    }

    /// The `n`-th call. Each has arguments of its own, since the same call again and again would
    /// end the run.
    fn call(self, n: usize) -> Value {
        let (name, arguments) = match self {
            Self::BuiltIn => (
                "calculator".to_owned(),
                json!({ "expression": format!("{n}+1") }),
            ),
            Self::Http | Self::Stdio => (
                format!("mcp__{}__{}", self.as_str(), mcp::TOOL),
                json!({ "n": n }),
            ),
        };
        json!({ "tool_call": { "name": name, "arguments": arguments } })
    }
}

/// How a model asks for several calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// All in one answer: what is measured besides is one more model call.
    Together,
    /// One an answer: each call has a model call with it.
    OneByOne,
}

impl Shape {
    pub(crate) const ALL: [Self; 2] = [Self::Together, Self::OneByOne];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::OneByOne => "one by one",
        }
    }
}

/// The route whose model calls no tool.
pub(crate) const NONE: &str = "none";

/// The route whose model makes these calls.
pub(crate) fn route(kind: Kind, shape: Shape, calls: usize) -> String {
    let shape = match shape {
        Shape::Together => "t",
        Shape::OneByOne => "o",
    };
    format!("{}-{shape}-{calls}", kind.as_str())
}

/// What the models of all routes say.
fn scripts() -> Map<String, Value> {
    let answer = json!([{ "text": "done" }]);
    let mut scripts = Map::new();
    scripts.insert(NONE.to_owned(), json!([answer]));
    for kind in Kind::ALL {
        for calls in CALLS {
            let all = || (0..calls).map(|n| kind.call(n));
            let together = json!([all().collect::<Vec<_>>(), answer]);
            scripts.insert(route(kind, Shape::Together, calls), together);
            let steps = all().map(|call| json!([call]));
            let steps: Vec<_> = steps.chain([answer.clone()]).collect();
            scripts.insert(route(kind, Shape::OneByOne, calls), json!(steps));
        }
    }
    scripts
}

impl Bench<'_> {
    pub(super) async fn tool_calls(&self, row: &Row) -> Result<Measured> {
        let tools = mcp::http()?;
        let scripts = scripts();
        let file = self.folder.join("tool-calls.json");
        let text = serde_json::to_string(&scripts).context("can't write the scripts")?;
        std::fs::write(&file, text).context("can't write the scripts")?;
        let mut config = format!(
            "[[mcp_servers]]\nkey = \"http\"\nurl = \"http://127.0.0.1:{}/mcp\"\n\
             classes = {{ \"*\" = \"pure\" }}\n\
             [[mcp_servers]]\nkey = \"stdio\"\ncommand = {:?}\nargs = [\"bench-mcp\"]\n\
             classes = {{ \"*\" = \"pure\" }}\n\
             [[personas]]\nkey = \"{PERSONA}\"\nprompt = \"Call.\"\n\
             tools = [\"calculator\", \"mcp__http__{tool}\", \"mcp__stdio__{tool}\"]\n\
             limits = {{ max_steps = 0 }}\n",
            tools.port,
            self.binaries.join("xtask").to_string_lossy(),
            tool = mcp::TOOL,
        );
        for name in scripts.keys() {
            config.push_str(&scripted(name, &file));
        }
        let path = self.folder.join("tool-calls.toml");
        std::fs::write(&path, config).context("can't write the configuration")?;
        let environment = vec![("RUNLOOM_CONFIG", path.display().to_string())];
        let server = self.server_with(environment).await?;
        let child = self.start_load(server.port, &server.key, &["tool-calls".to_owned()])?;
        let database = server.database.as_ref().map(|cluster| cluster.server.id());
        self.watch(row, child.result(), server.id(), database).await
    }
}

/// A route to a scripted model of the same name.
pub(super) fn scripted(name: &str, file: &std::path::Path) -> String {
    let file = file.to_string_lossy();
    format!(
        "[[routes]]\nroute_id = \"{name}\"\nmodel = \"{name}\"\nkind = \"scripted\"\nscript = {file:?}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_makes_its_calls() {
        let scripts = scripts();
        let turns = |route: &str| scripts[route].as_array().unwrap();
        assert_eq!(turns(NONE).len(), 1);
        assert_eq!(turns(&route(Kind::Http, Shape::OneByOne, 10)).len(), 11);
        let together = turns(&route(Kind::BuiltIn, Shape::Together, 100));
        assert_eq!(together.len(), 2);
        assert_eq!(together[0].as_array().unwrap().len(), 100);
        assert_ne!(together[0][0], together[0][1]);
    }
}
