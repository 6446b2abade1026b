//! A PostgreSQL cluster in a temporary folder, gone with everything in it when dropped.

use crate::parts::port;
use crate::process::{self, Background, Interrupt, tied_to_us};
use anyhow::{Context, Result};
use rustix::fs::statvfs;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// What a commit waits for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Durability {
    /// Nothing: a crash of the machine loses the cluster, which is fine for tests.
    Off,
    /// The disk, as in production.
    Full,
}

/// Where files cost no search for a place on a disk. For tests, each with a database of 300 files
/// that is made and dropped, that search is most of what PostgreSQL does.
const MEMORY: &str = "/dev/shm";

/// The free bytes that it must have there: some databases of 10 MB, and the log of their writes.
const ROOM: u64 = 4 << 30;

/// Its log, in its folder.
const LOG: &str = "server.log";

/// A running cluster.
pub(crate) struct Cluster {
    /// Address of its `postgres` database, for a superuser without password.
    pub(crate) url: String,
    pub(crate) server: Background,
    launch: Launch,
    // Dropped after the server has ended, which needs its files until then.
    folder: TempDir,
    _memory: Option<TempDir>,
}

/// How the server is started, the first time and again.
struct Launch {
    account: Account,
    binaries: PathBuf,
    data: PathBuf,
    port: u16,
    durability: Durability,
}

impl Cluster {
    /// Makes a cluster with the programs in `binaries`, on any port, and waits until it takes
    /// connections.
    pub(crate) async fn start(
        interrupt: &Interrupt,
        binaries: &Path,
        durability: Durability,
    ) -> Result<Self> {
        Self::start_with(interrupt, binaries, durability, port::free()?, None).await
    }

    /// The same on a port of 127.0.0.1.
    pub(crate) async fn start_at(
        interrupt: &Interrupt,
        binaries: &Path,
        durability: Durability,
        port: u16,
    ) -> Result<Self> {
        Self::start_with(interrupt, binaries, durability, port, None).await
    }

    /// The same with its data in this folder, which is made; the one that holds it is given to
    /// the account that PostgreSQL runs as.
    pub(crate) async fn start_in(
        interrupt: &Interrupt,
        binaries: &Path,
        durability: Durability,
        data: &Path,
    ) -> Result<Self> {
        Self::start_with(interrupt, binaries, durability, port::free()?, Some(data)).await
    }

    async fn start_with(
        interrupt: &Interrupt,
        binaries: &Path,
        durability: Durability,
        port: u16,
        data: Option<&Path>,
    ) -> Result<Self> {
        let folder = prefixed().tempdir();
        let folder = folder.context("can't make a temporary folder")?;
        let account = Account::choose().await?;
        let binaries = account.reachable(binaries, folder.path()).await?;
        account.own(folder.path())?;
        let memory = match (data, durability) {
            (None, Durability::Off) => in_memory(),
            _ => None,
        };
        // The folder above the data is ours alone in all cases.
        let own = memory.as_ref().unwrap_or(&folder).path().join("data");
        let data = data.map_or(own, Path::to_owned);
        if let Some(parent) = data.parent() {
            account.own(parent)?;
        }
        initialise(&account, &binaries, &data).await?;
        let launch = Launch {
            account,
            binaries,
            data,
            port,
            durability,
        };
        let log = folder.path().join(LOG);
        Ok(Self {
            url: format!("postgres://postgres@127.0.0.1:{}/postgres", launch.port),
            server: launch.start(interrupt, log).await?,
            launch,
            folder,
            _memory: memory,
        })
    }

    /// Where its tables are.
    pub(crate) fn data(&self) -> &Path {
        &self.launch.data
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> Result<String> {
        std::fs::read_to_string(self.folder.path().join(LOG)).context("PostgreSQL has no log")
    }

    pub(crate) const fn port(&self) -> u16 {
        self.launch.port
    }

    /// Sends a signal to the server and each of its processes, none of which is made meanwhile.
    pub(crate) fn signal_all(&self, signal: Signal) {
        let server = self.server.id();
        self.server.signal(Signal::STOP);
        for process in process::children(server).into_iter().chain([server]) {
            process::send_signal(process, signal);
        }
    }

    /// kill -9 of all its processes, and waits until the server is gone.
    pub(crate) fn kill(&mut self) {
        self.signal_all(Signal::KILL);
        self.server.reap(Duration::from_secs(5));
    }

    /// Starts the server again after its end, on the same data and port.
    pub(crate) async fn restart(&mut self, interrupt: &Interrupt) -> Result<()> {
        const TRIES: usize = 20;
        for _ in 1..TRIES {
            if self.start_again(interrupt).await.is_ok() {
                return Ok(());
            }
            // What the kernel is still tidying up after the old one is in its way.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        self.start_again(interrupt).await
    }

    async fn start_again(&mut self, interrupt: &Interrupt) -> Result<()> {
        let log = tempfile::Builder::new()
            .prefix("server-")
            .suffix(".log")
            .tempfile_in(self.folder.path())
            .context("can't make a log file")?;
        let (_, log) = log.keep().context("can't keep the log file")?;
        // It says `ready` of the server that was killed.
        let _ = std::fs::remove_file(self.launch.data.join("postmaster.pid"));
        self.server = self.launch.start(interrupt, log).await?;
        Ok(())
    }
}

impl Launch {
    async fn start(&self, interrupt: &Interrupt, log: PathBuf) -> Result<Background> {
        let mut command = self.account.command(&self.binaries.join("postgres"));
        command.arg("-D").arg(&self.data);
        command.args(["-p", &self.port.to_string()]);
        for setting in settings(self.durability) {
            command.args(["-c", setting]);
        }
        let mut server = Background::start("PostgreSQL", &mut command, Signal::INT, log)?;
        let state = self.data.join("postmaster.pid");
        let limit = Duration::from_mins(1);
        server
            .wait_until(interrupt, limit, || is_ready(&state))
            .await?;
        Ok(server)
    }
}

/// A folder in memory, where there is room for it and it may be made; it only saves time.
fn in_memory() -> Option<TempDir> {
    let system = statvfs(MEMORY).ok()?;
    let has_room = system.f_bavail * system.f_frsize >= ROOM;
    has_room.then(|| prefixed().tempdir_in(MEMORY).ok())?
}

fn prefixed() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("runloom-postgres-");
    builder
}

/// The programs where the account that PostgreSQL is run as can run them. `folder`, which then
/// belongs to that account, takes a copy if need be.
pub(crate) async fn reachable(binaries: &Path, folder: &Path) -> Result<PathBuf> {
    Account::choose().await?.reachable(binaries, folder).await
}

async fn initialise(account: &Account, binaries: &Path, data: &Path) -> Result<()> {
    let mut initdb = account.command(&binaries.join("initdb"));
    initdb.arg("-D").arg(data);
    initdb.args(["--username", "postgres", "--auth", "trust", "--no-sync"]);
    initdb.args(["--encoding", "UTF8", "--locale", "C"]);
    process::output(&mut initdb.into())
        .await
        .context("can't make a PostgreSQL cluster")?;
    Ok(())
}

fn settings(durability: Durability) -> Vec<&'static str> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        // Many tests run at once, each with a pool of its own.
        "max_connections=400",
        "shared_buffers=256MB",
        "log_min_messages=warning",
    ];
    if durability == Durability::Off {
        settings.extend([
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ]);
    }
    settings
}

/// The last line of `postmaster.pid` says what state the server is in.
fn is_ready(state: &Path) -> bool {
    std::fs::read_to_string(state).is_ok_and(|text| {
        text.lines()
            .nth(7)
            .is_some_and(|line| line.trim() == "ready")
    })
}

/// Who PostgreSQL runs as, since it refuses to run as root.
enum Account {
    Ourselves,
    Other { user: u32, group: u32 },
}

impl Account {
    async fn choose() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        for name in ["postgres", "nobody"] {
            if let (Ok(user), Ok(group)) = (id("-u", name).await, id("-g", name).await) {
                return Ok(Self::Other { user, group });
            }
        }
        anyhow::bail!("PostgreSQL needs an account other than root, such as `nobody`");
    }

    /// A command that runs as this account and ends when we do.
    fn command(&self, program: &Path) -> Command {
        match self {
            Self::Ourselves => tied_to_us(program),
            Self::Other { user, group } => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .args(["--clear-groups", "--pdeathsig", "INT"])
                    .arg(program);
                command
            }
        }
    }

    fn own(&self, folder: &Path) -> Result<()> {
        if let Self::Other { user, group } = self {
            std::os::unix::fs::chown(folder, Some(*user), Some(*group))
                .with_context(|| format!("can't give {} away", folder.display()))?;
        }
        Ok(())
    }

    /// The programs where this account can run them: where they are, else copied to `folder`,
    /// since fetched parts may lie in a home that others can't enter.
    async fn reachable(&self, binaries: &Path, folder: &Path) -> Result<PathBuf> {
        let mut version = self.command(&binaries.join("initdb"));
        version.arg("--version");
        if process::output(&mut version.into()).await.is_ok() {
            return Ok(binaries.to_path_buf());
        }
        let installation = binaries.parent().context("PostgreSQL has no folder")?;
        let copy = folder.join("programs");
        let mut command = tokio::process::Command::new("cp");
        command.arg("-r").arg(installation).arg(&copy);
        process::output(&mut command).await?;
        self.own(folder)?;
        Ok(copy.join("bin"))
    }
}

async fn id(flag: &str, name: &str) -> Result<u32> {
    let mut command = tokio::process::Command::new("id");
    let text = process::output(command.args([flag, name])).await?;
    text.parse()
        .with_context(|| format!("`id {flag} {name}` printed {text}"))
}
