//! One server process after the other, on one port and data folder.

use super::Plan;
use crate::parts::port;
use crate::process::{Background, Interrupt, killed_with_us};
use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A server whose database is away ends at its start, and is started again for so long.
const START: Duration = Duration::from_secs(90);
/// Until a process that was just started answers.
const ANSWER: Duration = Duration::from_secs(40);
/// Promised for a clean stop, and a little for a loaded machine.
const STOP: Duration = Duration::from_secs(32);

/// The programs that nodes are started from, taken in turn at each start.
#[derive(Clone)]
pub(crate) struct Binaries {
    pub(crate) new: PathBuf,
    pub(crate) old: PathBuf,
}

/// A node. Dropping it kills its process.
pub(crate) struct Node {
    index: usize,
    port: u16,
    folder: PathBuf,
    data: PathBuf,
    logs: PathBuf,
    binaries: Binaries,
    faketime: Option<PathBuf>,
    environment: Vec<(&'static str, String)>,
    process: Option<Background>,
    starts: u32,
    paused: bool,
    /// Seconds by which the clock of the present process is wrong.
    skew: i64,
    /// What no fault explains.
    pub(crate) complaints: Vec<String>,
}

impl Node {
    pub(crate) fn new(
        index: usize,
        plan: &Plan<'_>,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let folder = plan.folder.join(format!("node{index}"));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("can't make {}", folder.display()))?;
        Ok(Self {
            index,
            port: port::free()?,
            data: folder.clone(),
            folder,
            logs: plan.folder.to_owned(),
            binaries: plan.binaries.clone(),
            faketime: plan.faketime.clone(),
            environment,
            process: None,
            starts: 0,
            paused: false,
            skew: 0,
            complaints: Vec::new(),
        })
    }

    /// Keeps its data in another folder, which is made at its start.
    pub(crate) fn with_data_in(mut self, folder: PathBuf) -> Self {
        self.data = folder;
        self
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The file in which its tools note their effects.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.data.join("effects")
    }

    /// The API key that its first start printed, alone on its line.
    pub(crate) fn first_key(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.log(1)).context("can't read the log")?;
        let key = text.lines().map(str::trim).find(|it| it.starts_with("rl_"));
        key.map(str::to_owned)
            .context("the server printed no API key")
    }

    /// Starts a process and waits until it answers. `skew` seconds are added to its clock.
    pub(crate) async fn start(&mut self, interrupt: &Interrupt, skew: i64) -> Result<()> {
        let begin = Instant::now();
        self.skew = skew;
        loop {
            let mut process = self.spawn(skew)?;
            let ended = tokio::select! {
                () = self.answers() => {
                    self.process = Some(process);
                    return Ok(());
                }
                ended = process.ended() => ended,
                () = tokio::time::sleep(ANSWER) => Err(anyhow!("a node did not answer")),
            };
            interrupt.check()?;
            if begin.elapsed() > START {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Waits until the process answers. It waits without blocking: what the node waits for
    /// itself passes through our proxies.
    async fn answers(&self) {
        while ask(self.port).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn spawn(&mut self, skew: i64) -> Result<Background> {
        self.starts += 1;
        let old = (self.starts as usize + self.index).is_multiple_of(2);
        let binary = if old {
            &self.binaries.old
        } else {
            &self.binaries.new
        };
        let mut command = killed_with_us(binary);
        command
            .current_dir(&self.folder)
            .env("RUNLOOM_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("RUNLOOM_DATA_DIR", &self.data)
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().cloned());
        if let (Some(library), true) = (&self.faketime, skew != 0) {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", format!("{skew:+}s"))
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let log = self.log(self.starts);
        Background::start("a node", &mut command, Signal::KILL, log)
    }

    fn log(&self, start: u32) -> PathBuf {
        let name = format!("node{}-{start}.log", self.index);
        self.logs.join(name)
    }

    /// The logs of all its processes.
    pub(crate) fn logs(&self) -> impl Iterator<Item = PathBuf> {
        (1..=self.starts).map(|start| self.log(start))
    }

    pub(crate) fn kill(&mut self) {
        // Dropping it kills it.
        self.process = None;
        self.paused = false;
    }

    pub(crate) fn pause(&mut self) {
        if let Some(process) = &self.process {
            process.signal(Signal::STOP);
            self.paused = true;
        }
    }

    pub(crate) fn go_on(&mut self) {
        if let (Some(process), true) = (&self.process, self.paused) {
            process.signal(Signal::CONT);
        }
        self.paused = false;
    }

    /// SIGTERM, and waits for the end, which must come in time.
    pub(crate) async fn stop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        process.signal(Signal::TERM);
        if tokio::time::timeout(STOP, process.ended()).await.is_err() {
            let late = format!("node {} had not stopped after {STOP:?}", self.index);
            self.complaints.push(late);
        }
    }

    /// Lets it go on, gives it its true clock, or starts it again.
    pub(crate) async fn revive(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.go_on();
        self.notice_end().await;
        if self.skew != 0 && self.process.is_some() {
            self.stop().await;
        }
        if self.process.is_none() {
            self.start(interrupt, 0).await?;
        }
        Ok(())
    }

    /// Whether the process that should be there has ended by itself; then it is noted.
    pub(crate) async fn notice_end(&mut self) -> bool {
        let Some(process) = &mut self.process else {
            return false;
        };
        // It is looked at once at least.
        let ended = tokio::time::timeout(Duration::from_millis(1), process.ended()).await;
        let Ok(Err(error)) = ended else { return false };
        self.process = None;
        let ended = format!("node {} ended by itself: {error:#}", self.index);
        self.complaints.push(ended);
        true
    }
}

/// Whether the process at this port is alive.
async fn ask(port: u16) -> std::io::Result<()> {
    let request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    if head == *b"HTTP/1.1 200" {
        Ok(())
    } else {
        Err(std::io::Error::other("it is not well"))
    }
}

/// Lines of a log that no fault explains.
pub(crate) fn bad_lines(log: &Path) -> Result<Vec<String>> {
    const BAD: [&str; 4] = [
        "panicked at",
        "the run's row and its log disagree",
        "the store refused an append",
        "first event can't be read",
    ];
    let Ok(text) = std::fs::read_to_string(log) else {
        bail!("can't read {}", log.display());
    };
    let bad = text
        .lines()
        .filter(|line| BAD.iter().any(|bad| line.contains(bad)));
    let name = log
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(bad.map(|line| format!("{name}: {line}")).collect())
}
