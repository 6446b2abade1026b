//! A run that others are copied from, and the copying.

use super::load::Target;
use super::load::events::{Event, Events};
use super::load::wire::Connection;
use super::measure::Bench;
use super::server::Server;
use crate::process;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

/// The run, by the names that the API gives.
pub(super) struct Pattern {
    org: String,
    pub(super) thread: String,
    pub(super) run: String,
    /// Its last event that was seen.
    pub(super) last: u64,
}

#[derive(Deserialize)]
struct Me {
    org_id: String,
}

#[derive(Deserialize)]
struct ThreadCreated {
    id: String,
}

#[derive(Deserialize)]
struct RunCreated {
    run_id: String,
}

impl Pattern {
    /// Makes a run and follows it up to the first event of a kind.
    pub(super) async fn make(server: &Server, route: &str, until: Event) -> Result<Self> {
        let mut connection = server.connect().await?;
        let org = connection.call("GET", "/v1/me", "", 200).await?;
        let org: Me = serde_json::from_slice(&org).context("no organisation")?;
        let thread = connection.call("POST", "/v1/threads", "{}", 201).await?;
        let thread: ThreadCreated = serde_json::from_slice(&thread).context("no thread")?;
        let path = format!("/v1/threads/{}/runs", thread.id);
        let body = format!(r#"{{"route_id":"{route}","input":"How late are the deliveries?"}}"#);
        let run = connection.call("POST", &path, &body, 201).await?;
        let run: RunCreated = serde_json::from_slice(&run).context("no run")?;
        let mut events = Events::new();
        events.follow(&mut connection, &run.run_id).await?;
        while events.next(&mut connection).await? != until {}
        Ok(Self {
            org: org.org_id,
            thread: thread.id,
            run: run.run_id,
            last: events.seq,
        })
    }
}

impl Server {
    /// A connection of our own, for what isn't measured.
    pub(super) async fn connect(&self) -> Result<Connection> {
        self.target().connect().await
    }

    pub(super) fn target(&self) -> Target {
        Target {
            address: ([127, 0, 0, 1], self.port).into(),
            key: self.key.clone(),
        }
    }
}

impl Bench<'_> {
    /// Has rows copied while the server is stopped: `what` as `bench-fill` takes it.
    pub(super) async fn fill(&self, server: &Server, like: &Pattern, what: &[&str]) -> Result<()> {
        process::step(&format!("filling the database: {}", what.join(" ")));
        let mut command = self.on_database("bench-fill", server);
        command.args([
            "--org",
            &like.org,
            "--thread",
            &like.thread,
            "--run",
            &like.run,
        ]);
        process::run(self.interrupt, command.args(what)).await
    }

    /// One of our tasks that works on a stopped server's database.
    pub(super) fn on_database(&self, task: &str, server: &Server) -> Command {
        let mut command = Command::new(self.binaries.join("xtask"));
        command.arg(task).args(server.database_arguments());
        command
    }

    /// Waits until nobody works on a run.
    pub(super) async fn quiet(&self, server: &Server) -> Result<()> {
        const TRIES: u32 = 600;
        let mut connection = server.connect().await?;
        for _ in 0..TRIES {
            let path = "/v1/runs?status=queued,running&limit=1";
            let live = connection.call("GET", path, "", 200).await?;
            if live == b"[]" {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        ensure!(false, "runs don't end");
        Ok(())
    }
}
