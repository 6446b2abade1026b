//! A thread, a run and tool results of a size that nobody has by hand.

use super::load::events::{Event, Events};
use super::load::result::Times;
use super::measure::Bench;
use super::pattern::Pattern;
use super::report::Measured;
use super::row::{Big, Row};
use super::usage;
use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use std::time::Instant;

const MESSAGES: u32 = 100_000;
/// How often the first step of a run has happened once more, and the delta of the second.
const STEPS: u32 = 5_000;
const DELTAS: u32 = 25_000;

/// `big-run` calls a tool and then never ends; `big-result` has a tool say 5 MiB. The tool
/// `repeat` is in servers that are built for tests.
const CONFIG: &str = r#"
[[personas]]
key = "bench"
prompt = "x"
tools = ["calculator", "repeat"]

[[routes]]
route_id = "big-run"
model = "big-run"
kind = "scripted"
script = "SCRIPTS"

[[routes]]
route_id = "big-result"
model = "big-result"
kind = "scripted"
script = "SCRIPTS"
"#;
const SCRIPTS: &str = r#"{
"big-run": [
    [{"tool_call": {"name": "calculator", "arguments": {"expression": "6*7"}}}],
    [{"text": "w00 "}, "hang"]],
"big-result": [
    [{"tool_call": {"name": "repeat",
        "arguments": {"text": "0123456789abcdef", "times": 327680}}}],
    [{"text": "w00 "}]]
}"#;

impl Bench<'_> {
    pub(super) async fn big(&self, row: &Row, big: Big) -> Result<Measured> {
        match big {
            Big::Thread => self.big_thread(row).await,
            Big::Run => self.big_run(row).await,
            Big::Result => self.big_result(row).await,
        }
    }

    /// Runs in a thread of many messages, and all of its pages.
    async fn big_thread(&self, row: &Row) -> Result<Measured> {
        let mut server = self.server().await?;
        let pattern = Pattern::make(&server, "fake-a", Event::Completed).await?;
        server.stop(Signal::TERM);
        let count = MESSAGES.to_string();
        self.fill(&server, &pattern, &["messages", &count]).await?;
        server.start_again(self.interrupt).await?;
        let load = ["big-thread", "--thread", &pattern.thread].map(str::to_owned);
        let child = self.start_load(server.port, &server.key, &load)?;
        self.watch(row, child.result(), server.id(), None).await
    }

    /// A run of many events: taken over after a crash, and replayed.
    async fn big_run(&self, row: &Row) -> Result<Measured> {
        let mut server = self.server_with(self.config()?).await?;
        let pattern = Pattern::make(&server, "big-run", Event::Delta).await?;
        server.stop(Signal::KILL);
        // The second step begins two events before its delta; the first is all before it.
        let (first, last) = (2, pattern.last - 2);
        let repeat = |first: u64, last: u64, times: u32| {
            [
                "repeat".to_owned(),
                first.to_string(),
                last.to_string(),
                times.to_string(),
            ]
        };
        for what in [
            repeat(pattern.last, pattern.last, DELTAS),
            repeat(first, last, STEPS),
        ] {
            self.fill(&server, &pattern, &what.each_ref().map(String::as_str))
                .await?;
        }
        let steps = (last - first + 1) * u64::from(STEPS);
        let last = pattern.last + steps + u64::from(DELTAS);

        server.start_again(self.interrupt).await?;
        let ready = Instant::now();
        let mut connection = server.connect().await?;
        let mut events = Events::after(last);
        events.follow(&mut connection, &pattern.run).await?;
        let event = self
            .unless_interrupted(events.next(&mut connection))
            .await?;
        ensure!(event == Event::Resumed, "{event:?} after seq {last}");
        let mut resumed = Times::new()?;
        resumed.record(ready.elapsed());
        drop(connection);

        let load =
            ["replay", "--run", &pattern.run, "--last", &last.to_string()].map(str::to_owned);
        let child = self.start_load(server.port, &server.key, &load)?;
        let mut measured = self.watch(row, child.result(), server.id(), None).await?;
        measured.latency("resumed", resumed.quantiles());
        measured.count("events", last);
        Ok(measured)
    }

    /// Runs with a tool result of 5 MiB, one after the other, each fetched whole.
    async fn big_result(&self, row: &Row) -> Result<Measured> {
        let server = self.server_with(self.config()?).await?;
        let before = usage::memory(server.id())?;
        let child = self.start_load(server.port, &server.key, &["results".to_owned()])?;
        let mut measured = self.watch(row, child.result(), server.id(), None).await?;
        measured.count("mib_before", before >> 20);
        Ok(measured)
    }

    /// The routes of this file, as a server is told of them.
    fn config(&self) -> Result<Vec<(&'static str, String)>> {
        let scripts = self.folder.join("big-scripts.json");
        std::fs::write(&scripts, SCRIPTS).context("can't write the scripts")?;
        let config = self.folder.join("big.toml");
        let text = CONFIG.replace("SCRIPTS", &scripts.display().to_string());
        std::fs::write(&config, text).context("can't write the configuration")?;
        Ok(vec![("RUNLOOM_CONFIG", config.display().to_string())])
    }
}
