//! Measures one row: starts what it needs, loads it, and watches memory and processors.

use super::child::LoadProcess;
use super::load::result::{LoadResult, Times};
use super::report::Measured;
use super::row::{Load, Row};
use super::server::{Server, Store};
use super::usage;
use crate::parts::port;
use crate::process::{Background, Interrupt, tied_to_us};
use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Restarts whose median is the cold start.
const STARTS: usize = 7;
/// How long a server is left alone before its idle memory is read.
pub(super) const SETTLE: Duration = Duration::from_secs(3);
/// Between two looks at a server's memory.
const WATCH: Duration = Duration::from_millis(100);

pub(crate) struct Bench<'a> {
    pub(crate) interrupt: &'a Interrupt,
    /// Where the release binaries are.
    pub(crate) binaries: PathBuf,
    /// Where data goes, on a real disk.
    pub(crate) folder: PathBuf,
    pub(crate) store: Store,
    pub(crate) seconds: u64,
}

impl Bench<'_> {
    pub(crate) async fn measure(&self, row: &Row) -> Result<Measured> {
        match row {
            Row::ColdStart => self.cold_start(row).await,
            Row::Idle => self.idle(row).await,
            Row::Load(load) => self.load(row, load).await,
            Row::Held { streams } => self.held(row, *streams).await,
            Row::Resume { runs } => self.resume(row, *runs).await,
            Row::Elsewhere { runs, hints } => self.elsewhere(row, *runs, *hints).await,
            Row::Lost { runs, end } => self.lost(row, *runs, *end).await,
            Row::Nodes { clients } => self.nodes_at_once(row, *clients).await,
            Row::Curve { runs } => self.curve(row, *runs).await,
            Row::Overhead => self.overhead(row).await,
            Row::ToolCalls => self.tool_calls(row).await,
            Row::Waiting { runs } => self.waiting(row, *runs).await,
            Row::Usage { runs } => self.usage(row, *runs).await,
            Row::Wall => self.wall(row).await,
            Row::Auth => self.auth(row).await,
            Row::Big(big) => self.big(row, *big).await,
            Row::Bare(load) => self.bare(row, load).await,
        }
    }

    async fn cold_start(&self, row: &Row) -> Result<Measured> {
        let mut server = self.server().await?;
        let mut first = Times::new()?;
        first.record(server.first_start);
        let mut again = Times::new()?;
        for _ in 0..STARTS {
            again.record(server.restart(self.interrupt, Signal::TERM).await?);
        }
        let mut measured = Measured::new(row.name());
        measured.latency("new_store", first.quantiles());
        measured.latency("ready", again.quantiles());
        Ok(measured)
    }

    async fn idle(&self, row: &Row) -> Result<Measured> {
        let server = self.server().await?;
        self.pause(SETTLE).await?;
        let mut measured = Measured::new(row.name());
        measured.memory = Some(usage::memory(server.id())?);
        Ok(measured)
    }

    async fn load(&self, row: &Row, load: &Load) -> Result<Measured> {
        let server = self.server().await?;
        let child = self.start_load(server.port, &server.key, &load.arguments())?;
        let database = server.database.as_ref().map(|cluster| cluster.server.id());
        self.watch(row, child.result(), server.id(), database).await
    }

    async fn held(&self, row: &Row, streams: usize) -> Result<Measured> {
        let server = self.server().await?;
        self.pause(SETTLE).await?;
        let before = usage::memory(server.id())?;
        let arguments = [
            "held".to_owned(),
            "--streams".to_owned(),
            streams.to_string(),
        ];
        let mut child = self.start_load(server.port, &server.key, &arguments)?;
        let (held, result) = self
            .unless_interrupted(async {
                child.announced("open").await?;
                tokio::time::sleep(SETTLE).await;
                let held = usage::memory(server.id())?;
                Ok((held, child.result().await?))
            })
            .await?;
        let mut measured = Measured::from_load(row.name(), result);
        measured.memory = Some(held);
        measured.memory_per_stream = Some(held.saturating_sub(before) / streams as u64);
        Ok(measured)
    }

    async fn resume(&self, row: &Row, runs: usize) -> Result<Measured> {
        let mut server = self.server().await?;
        let arguments = ["resume".to_owned(), "--runs".to_owned(), runs.to_string()];
        let mut child = self.start_load(server.port, &server.key, &arguments)?;
        let (ready, result) = self
            .unless_interrupted(async {
                child.announced("streaming").await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
                let ready = server.restart(self.interrupt, Signal::KILL).await?;
                Ok((ready, child.result().await?))
            })
            .await?;
        let mut measured = Measured::from_load(row.name(), result);
        let mut times = Times::new()?;
        times.record(ready);
        measured.latency("ready", times.quantiles());
        Ok(measured)
    }

    /// The same load on the endpoint that stores nothing.
    async fn bare(&self, row: &Row, load: &Load) -> Result<Measured> {
        let port = port::free()?;
        let mut command = tied_to_us(&self.binaries.join("xtask"));
        command.args(["bench-bare", "--port", &port.to_string()]);
        let log = self.folder.join("bare.log");
        let mut endpoint = Background::start("the endpoint", &mut command, Signal::TERM, log)?;
        let limit = Duration::from_secs(10);
        endpoint
            .wait_until(self.interrupt, limit, || port::answers(port, "/readyz"))
            .await?;
        let child = self.start_load(port, "none", &load.arguments())?;
        self.watch(row, child.result(), endpoint.id(), None).await
    }

    pub(super) async fn server(&self) -> Result<Server> {
        self.server_with(Vec::new()).await
    }

    /// A server with more variables in its environment.
    pub(super) async fn server_with(
        &self,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Server> {
        let binary = self.binaries.join("runloom");
        Server::start(
            self.interrupt,
            &binary,
            &self.store,
            &self.folder,
            environment,
        )
        .await
    }

    pub(super) fn start_load(&self, port: u16, key: &str, load: &[String]) -> Result<LoadProcess> {
        LoadProcess::start(&self.binaries.join("xtask"), port, key, self.seconds, load)
    }

    /// Waits for a load's result; meanwhile notes the server's highest memory and counts its
    /// processor time.
    pub(super) async fn watch(
        &self,
        row: &Row,
        result: impl Future<Output = Result<LoadResult>>,
        server: u32,
        database: Option<u32>,
    ) -> Result<Measured> {
        let database_time = || database.map(usage::processor_of_family).transpose();
        let (server_before, database_before) = (usage::processor(server)?, database_time()?);
        let begin = Instant::now();
        let mut memory = 0;
        let look = async {
            loop {
                memory = usage::memory(server).unwrap_or_default().max(memory);
                tokio::time::sleep(WATCH).await;
            }
        };
        let result = tokio::select! {
            result = self.unless_interrupted(result) => result?,
            () = look => bail!("unreachable: the watch has no end"),
        };
        let elapsed = begin.elapsed().as_secs_f64();
        let cores = |before: Duration, after: Duration| {
            after.saturating_sub(before).as_secs_f64() / elapsed
        };
        let mut measured = Measured::from_load(row.name(), result);
        measured.memory = Some(memory);
        measured.server_cores = Some(cores(server_before, usage::processor(server)?));
        measured.database_cores = match (database_before, database_time()?) {
            (Some(before), Some(after)) => Some(cores(before, after)),
            _ => None,
        };
        Ok(measured)
    }

    pub(super) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            result = work => result,
            () = self.interrupt.wait() => bail!("interrupted"),
        }
    }

    pub(super) async fn pause(&self, time: Duration) -> Result<()> {
        self.unless_interrupted(async {
            tokio::time::sleep(time).await;
            Ok(())
        })
        .await
        .context("while waiting for the server to settle")
    }
}
