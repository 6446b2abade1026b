//! The server under test: the release binary with its default code path, on a fresh store.

use crate::parts::port;
use crate::parts::postgres::{Cluster, Durability};
use crate::process::{Background, Interrupt, tied_to_us};
use anyhow::{Context, Result};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Which database the server uses.
pub(crate) enum Store {
    Sqlite,
    Postgres { binaries: PathBuf },
}

/// A running server with what it stands on.
pub(crate) struct Server {
    // Fields are dropped in this order: who depends on another goes first.
    process: Background,
    pub(crate) database: Option<Cluster>,
    data: TempDir,
    binary: PathBuf,
    environment: Vec<(&'static str, String)>,
    pub(crate) port: u16,
    pub(crate) key: String,
    /// From starting the process to its first `ready`, on the new store.
    pub(crate) first_start: Duration,
}

/// Another node on a server's database.
pub(crate) struct Peer {
    _process: Background,
    _data: TempDir,
    pub(crate) port: u16,
}

/// How long a server may take to become ready.
const LIMIT: Duration = Duration::from_secs(30);
/// Kept when the server is started again, since only a first start prints the key.
const FIRST_LOG: &str = "first.log";

impl Server {
    /// Starts a server on a new store below `folder`.
    pub(crate) async fn start(
        interrupt: &Interrupt,
        binary: &Path,
        store: &Store,
        folder: &Path,
        mut environment: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let data = data_folder(folder)?;
        let database = match store {
            Store::Sqlite => None,
            Store::Postgres { binaries } => {
                Some(Cluster::start(interrupt, binaries, Durability::Full).await?)
            }
        };
        if let Some(database) = &database {
            environment.push(("RUNLOOM_DATABASE_URL", database.url.clone()));
        }
        let port = port::free()?;
        let (process, first_start) = spawn(interrupt, binary, &data, &environment, port).await?;
        let key = first_key(data.path())?;
        Ok(Self {
            process,
            database,
            data,
            binary: binary.to_owned(),
            environment,
            port,
            key,
            first_start,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Names the server's database to one of our tasks.
    pub(crate) fn database_arguments(&self) -> [String; 2] {
        match &self.database {
            Some(cluster) => ["--database-url".to_owned(), cluster.url.clone()],
            None => [
                "--data-dir".to_owned(),
                self.data.path().display().to_string(),
            ],
        }
    }

    /// How much the server's database occupies on disk, in bytes.
    pub(crate) fn stored_bytes(&self) -> Result<u64> {
        let folder = self
            .database
            .as_ref()
            .map_or(self.data.path(), Cluster::data);
        bytes_below(folder)
    }

    /// Starts another node on the same database.
    pub(crate) async fn peer(&self, interrupt: &Interrupt, folder: &Path) -> Result<Peer> {
        let data = data_folder(folder)?;
        let port = port::free()?;
        let (process, _) = spawn(interrupt, &self.binary, &data, &self.environment, port).await?;
        Ok(Peer {
            _process: process,
            _data: data,
            port,
        })
    }

    /// Ends the server with `signal` and starts it again on the same store. Returns the time
    /// from starting the new process to its readiness.
    pub(crate) async fn restart(
        &mut self,
        interrupt: &Interrupt,
        signal: Signal,
    ) -> Result<Duration> {
        self.stop(signal);
        self.start_again(interrupt).await
    }

    /// Ends the server with `signal` and waits until it has gone.
    pub(crate) fn stop(&mut self, signal: Signal) {
        self.process.signal(signal);
        self.process.reap(Duration::from_secs(40));
    }

    /// Starts a stopped server on the same store. Returns the time until it is ready.
    pub(crate) async fn start_again(&mut self, interrupt: &Interrupt) -> Result<Duration> {
        let environment = &self.environment;
        let (process, time) =
            spawn(interrupt, &self.binary, &self.data, environment, self.port).await?;
        self.process = process;
        Ok(time)
    }
}

fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).context("can't list the data")? {
        let entry = entry.context("can't list the data")?;
        let data = entry.metadata().context("can't weigh the data")?;
        sum += if data.is_dir() {
            bytes_below(&entry.path())?
        } else {
            data.len()
        };
    }
    Ok(sum)
}

fn data_folder(folder: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("data-")
        .tempdir_in(folder)
        .context("can't make a data folder")
}

async fn spawn(
    interrupt: &Interrupt,
    binary: &Path,
    data: &TempDir,
    environment: &[(&'static str, String)],
    port: u16,
) -> Result<(Background, Duration)> {
    let mut command = tied_to_us(binary);
    command
        .current_dir(data.path())
        .env("RUNLOOM_BENCH", "1")
        .env("RUNLOOM_MODE", "development")
        .env("RUNLOOM_LISTEN", format!("127.0.0.1:{port}"))
        .env("RUNLOOM_DATA_DIR", data.path())
        .envs(environment.iter().cloned());
    let first_log = data.path().join(FIRST_LOG);
    let log = if first_log.exists() {
        data.path().join("again.log")
    } else {
        first_log
    };
    let begin = Instant::now();
    let mut process = Background::start("the server", &mut command, Signal::TERM, log)?;
    process
        .wait_until(interrupt, LIMIT, || port::answers(port, "/readyz"))
        .await?;
    Ok((process, begin.elapsed()))
}

/// The API key that the server printed, alone on its line, at its first start.
fn first_key(data: &Path) -> Result<String> {
    let log = std::fs::read_to_string(data.join(FIRST_LOG)).context("can't read the log")?;
    log.lines()
        .map(str::trim)
        .find(|line| line.starts_with("rl_"))
        .map(str::to_owned)
        .context("the server printed no API key")
}
