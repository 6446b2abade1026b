use std::collections::BTreeMap;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::output::Output;
use crate::{Client, Data, Setup, soon};

/// What the server says once it serves.
const READY: &str = "listens on http://";

/// Lines of its log that a failed test shows.
const SHOWN: usize = 30;

/// A server's process. Dropping it kills the process.
#[derive(Debug)]
pub struct Node {
    setup: Setup,
    data: Arc<Data>,
    child: Child,
    stdout: Output,
    stderr: Output,
    base: String,
    key: Option<String>,
}

/// A server's process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it had printed on standard output.
    pub stdout: Vec<String>,
    /// What it had printed on standard error.
    pub stderr: Vec<String>,
}

impl Node {
    pub(crate) async fn start(
        setup: Setup,
        data: Arc<Data>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, Ended> {
        let mut command = Command::new(server_binary());
        for (name, _) in std::env::vars_os() {
            let ours = name.to_string_lossy();
            if ours.starts_with("RUNLOOM_") || ours == "OPENAI_API_KEY" || ours == "FAILPOINTS" {
                command.env_remove(name);
            }
        }
        // A run of the tests by hand may take a protection away, to see them fail.
        if let Some(bug) = std::env::var_os("RUNLOOM_TEST_PLANTED_BUG") {
            command.env("RUNLOOM_PLANTED_BUG", bug);
        }
        let mut child = command
            .envs(variables)
            .current_dir(data.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server's program starts");
        let mut stdout = Output::collect(child.stdout.take().expect("it is piped"));
        let stderr = Output::collect(child.stderr.take().expect("it is piped"));
        let ready = soon("the server", stdout.line(|line| line.contains(READY))).await;
        let Some(line) = ready else {
            return Err(ended(&mut child, stdout, stderr).await);
        };
        let address = line.split("http://").nth(1).unwrap_or_default();
        let address = address.split_whitespace().next().unwrap_or_default();
        let key = stdout
            .lines()
            .into_iter()
            .find(|line| line.starts_with("rl_"));
        Ok(Self {
            setup,
            data,
            child,
            stdout,
            stderr,
            base: format!("http://{address}"),
            key,
        })
    }

    /// `http://address:port`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its data.
    pub fn data(&self) -> &Arc<Data> {
        &self.data
    }

    /// How it was started, for another process on the same data.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The API key that its first start printed.
    pub fn key(&self) -> &str {
        self.key.as_deref().expect("the first start printed a key")
    }

    /// Starts another node on the same database, with a data folder of its own.
    pub async fn peer(&self, name: &str) -> Self {
        let own = self.data.folder().join(name);
        let setup = self.setup.clone();
        let setup = setup.variable("RUNLOOM_DATA_DIR", own.to_str().expect("UTF-8"));
        setup.start().await
    }

    /// A client with the first key.
    pub fn client(&self) -> Client {
        Client::new(&self.base, self.key())
    }

    /// Lines of standard output so far.
    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lines()
    }

    /// Lines of standard error, the log, so far.
    pub fn log(&self) -> Vec<String> {
        self.stderr.lines()
    }

    /// Waits for a line of the log.
    pub async fn logged(&mut self, part: &str) -> String {
        let line = soon(part, self.stderr.line(|line| line.contains(part))).await;
        line.unwrap_or_else(|| panic!("the server ended without logging {part:?}"))
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw).expect("the process runs")
    }

    /// Sends a signal without waiting for anything.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process runs");
    }

    /// Memory that the process occupies, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid().as_raw_nonzero());
        let status = std::fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|text| text.split_whitespace().next());
        let kib: u64 = kib.and_then(|text| text.parse().ok()).expect("in kB");
        kib * 1024
    }

    /// How many sockets the process has open.
    pub fn sockets(&self) -> usize {
        let path = format!("/proc/{}/fd", self.pid().as_raw_nonzero());
        let open = std::fs::read_dir(path).expect("the process runs");
        let targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        let is_socket = |target: &PathBuf| target.to_string_lossy().starts_with("socket:");
        targets.filter(is_socket).count()
    }

    /// Waits until the process has ended.
    pub async fn ended(mut self) -> Ended {
        let (stdout, stderr) = (self.stdout.clone(), self.stderr.clone());
        soon("the server's end", ended(&mut self.child, stdout, stderr)).await
    }

    /// kill -9, and waits until the process is gone.
    pub async fn kill(self) -> Stopped {
        self.signal(Signal::KILL);
        self.stopped().await
    }

    /// SIGTERM, and waits until the process is gone.
    pub async fn terminate(self) -> Stopped {
        self.signal(Signal::TERM);
        self.stopped().await
    }

    /// Waits until the process has ended by itself, such as at a failpoint.
    pub async fn stopped(self) -> Stopped {
        let (setup, key) = (self.setup.clone(), self.key.clone());
        Stopped {
            setup,
            key,
            ended: self.ended().await,
        }
    }
}

/// A server that has ended and may be started again.
#[derive(Debug)]
pub struct Stopped {
    setup: Setup,
    key: Option<String>,
    /// How it ended.
    pub ended: Ended,
}

impl Stopped {
    /// Starts it again on the same data.
    pub async fn restart(self) -> Node {
        self.restart_with(|setup| setup).await
    }

    /// Starts it again on the same data with a changed setup.
    pub async fn restart_with(self, change: impl FnOnce(Setup) -> Setup) -> Node {
        let mut node = change(self.setup).start().await;
        node.key = self.key;
        node
    }
}

/// The end of a failed test shows the end of the server's log.
impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail = &log[log.len().saturating_sub(SHOWN)..];
            let _ = writeln!(stderr(), "the server's log ends with\n{}", tail.join("\n"));
        }
    }
}

async fn ended(child: &mut Child, mut stdout: Output, mut stderr: Output) -> Ended {
    let status = child.wait().await.expect("the process can be waited for");
    stdout.end().await;
    stderr.end().await;
    Ended {
        status,
        stdout: stdout.lines(),
        stderr: stderr.lines(),
    }
}

/// The server's program: what `RUNLOOM_TEST_BIN` names, else the debug build.
pub fn server_binary() -> PathBuf {
    let built = || {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the tests are a folder of the repository")
            .join("target/debug/runloom")
    };
    let path = std::env::var_os("RUNLOOM_TEST_BIN").map_or_else(built, PathBuf::from);
    assert!(
        path.exists(),
        "there is no server at {}; `cargo xtask test` builds it",
        path.display()
    );
    path
}
