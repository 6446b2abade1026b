//! Runs that wait for people: what each of them holds in the node.

use super::load::waiting::{APPROVAL, QUESTION};
use super::measure::Bench;
use super::report::Measured;
use super::row::Row;
use super::tool_calls::scripted;
use super::usage;
use anyhow::{Context as _, Result};
use serde_json::json;

/// Runs that waited and have ended before anything is weighed, so that what the process takes once
/// isn't counted for the others.
const BEFORE: usize = 2_000;

impl Bench<'_> {
    pub(super) async fn waiting(&self, row: &Row, runs: usize) -> Result<Measured> {
        let server = self.server_with(self.with_people()?).await?;
        let load = |runs: usize, more: &[&str]| {
            let mut load = vec!["waiting".to_owned(), "--runs".to_owned(), runs.to_string()];
            load.extend(more.iter().map(|&word| word.to_owned()));
            self.start_load(server.port, &server.key, &load)
        };
        let first = load(BEFORE, &["--answered"])?.result();
        self.unless_interrupted(first).await?;
        self.pause(super::measure::SETTLE).await?;
        let held = || -> Result<[u64; 3]> {
            let id = server.id();
            Ok([usage::memory(id)?, usage::sockets(id)?, usage::threads(id)?])
        };
        let before = held()?;
        let result = self.unless_interrupted(load(runs, &[])?.result()).await?;
        self.pause(super::measure::SETTLE).await?;
        let after = held()?;
        let mut measured = Measured::from_load(row.name(), result);
        let [memory, sockets, threads] = [0, 1, 2].map(|n| after[n].saturating_sub(before[n]));
        measured.memory = Some(after[0]);
        measured.count("bytes_before", before[0]);
        measured.count("bytes_after", after[0]);
        measured.count("bytes_a_waiting_run", memory / runs as u64);
        measured.count("more_sockets", sockets);
        measured.count("more_threads", threads);
        let mut connection = server.connect().await?;
        let metrics = connection.call("GET", "/metrics", "", 200).await?;
        let metrics = String::from_utf8(metrics).context("the metrics are no text")?;
        measured.count("runs_owned", sample(&metrics, "runloom_runs_owned")?);
        let waits = "runloom_runs{status=\"waiting_for_input\"}";
        measured.count("runs_waiting", sample(&metrics, waits)?);
        // Others run beside them as if they weren't there.
        let beside = ["closed", "--clients", "1"].map(str::to_owned);
        let beside = self.start_load(server.port, &server.key, &beside)?;
        measured.add("_beside", self.unless_interrupted(beside.result()).await?);
        Ok(measured)
    }

    /// Models and personas that wait for people.
    fn with_people(&self) -> Result<Vec<(&'static str, String)>> {
        let call =
            |name, arguments| json!([{ "tool_call": { "name": name, "arguments": arguments } }]);
        let answer = json!([{ "text": "done" }]);
        let scripts = json!({
            APPROVAL: [call("calculator", json!({ "expression": "6*7" })), answer],
            QUESTION: [call("ask_user", json!({ "question": "May I?" })), answer],
        });
        let file = self.folder.join("waiting.json");
        std::fs::write(&file, scripts.to_string()).context("can't write the scripts")?;
        let persona = |key, tool, approvals| {
            format!(
                "[[personas]]\nkey = \"{key}\"\nprompt = \"Work.\"\ntools = [\"{tool}\"]\n\
                 approvals = {{ default = \"{approvals}\" }}\n"
            )
        };
        let config = [
            persona(APPROVAL, "calculator", "ask"),
            persona(QUESTION, "ask_user", "auto"),
            scripted(APPROVAL, &file),
            scripted(QUESTION, &file),
        ];
        let path = self.folder.join("waiting.toml");
        std::fs::write(&path, config.concat()).context("can't write the configuration")?;
        Ok(vec![("RUNLOOM_CONFIG", path.display().to_string())])
    }
}

fn sample(metrics: &str, name: &str) -> Result<u64> {
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.with_context(|| format!("no {name}"))
}
