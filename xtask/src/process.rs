//! Running programs: in the foreground until they end, or beside us until we stop them.
//!
//! Ctrl-C and SIGTERM end what runs and then unwind through the callers, so that whoever started
//! a program in the background also stops it.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(20);

/// Says what is being done.
pub(crate) fn step(text: &str) {
    println!("==> {text}");
}

/// Tells whether the developer has asked to stop.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Takes over Ctrl-C and SIGTERM for the rest of the process.
    pub(crate) fn install() -> Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt()).context("can't watch SIGINT")?;
        let mut terminate = signal(SignalKind::terminate()).context("can't watch SIGTERM")?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if sender.send(true).is_err() {
                    return;
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Waits until the developer asks to stop. Dropping the future loses nothing.
    pub(crate) async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|&stop| stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// An error when the developer has asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if *self.0.borrow() {
            bail!("interrupted");
        }
        Ok(())
    }
}

/// Runs a program to its end with our own input and output; anything but success is an error.
/// Dropping the future kills it.
pub(crate) async fn run(interrupt: &Interrupt, command: &mut Command) -> Result<()> {
    interrupt.check()?;
    let name = name_of(command);
    let mut child = command
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("can't start {name}"))?;
    tokio::select! {
        status = child.wait() => {
            let status = status.with_context(|| format!("can't wait for {name}"))?;
            if !status.success() {
                bail!("{name} failed: {status}");
            }
            Ok(())
        }
        () = interrupt.wait() => {
            if let Some(pid) = child.id() {
                send_signal(pid, Signal::TERM);
            }
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                child.kill().await.with_context(|| format!("can't end {name}"))?;
            }
            bail!("interrupted");
        }
    }
}

/// Runs a program and returns what it printed, trimmed.
pub(crate) async fn output(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("can't start {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program starts and succeeds with these arguments.
pub(crate) async fn works(program: impl AsRef<Path>, arguments: &[&str]) -> bool {
    let mut command = Command::new(program.as_ref());
    output(command.args(arguments)).await.is_ok()
}

/// A program that runs beside us and is stopped when this is dropped.
pub(crate) struct Background {
    name: &'static str,
    child: std::process::Child,
    stop: Signal,
    log: PathBuf,
}

impl Background {
    /// Starts `command` with its output in the file `log`; `stop` is the signal that ends it.
    ///
    /// The program has a process group of its own, so that Ctrl-C in a terminal reaches us only,
    /// and we stop it when what uses it has ended.
    pub(crate) fn start(
        name: &'static str,
        command: &mut std::process::Command,
        stop: Signal,
        log: PathBuf,
    ) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let file = std::fs::File::create(&log)
            .with_context(|| format!("can't write {}", log.display()))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("can't share the log file")?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("can't start {name}"))?;
        Ok(Self {
            name,
            child,
            stop,
            log,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Polls `ready` every 2 ms until it holds; the program's end or `limit` is an error that
    /// shows the end of its log.
    pub(crate) async fn wait_until(
        &mut self,
        interrupt: &Interrupt,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        const BETWEEN: Duration = Duration::from_millis(2);
        let start = Instant::now();
        while !ready() {
            interrupt.check()?;
            if let Some(status) = self.child.try_wait().context("can't watch the program")? {
                bail!("{} ended: {status}\n{}", self.name, self.last_lines());
            }
            if start.elapsed() > limit {
                bail!(
                    "{} was not ready after {limit:?}\n{}",
                    self.name,
                    self.last_lines()
                );
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Ok(())
    }

    /// Waits until the program ends by itself, which is an error for one that should stay.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        loop {
            if let Some(status) = self.child.try_wait().context("can't watch the program")? {
                bail!("{} ended: {status}\n{}", self.name, self.last_lines());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Sends `signal` without waiting for anything.
    pub(crate) fn signal(&self, signal: Signal) {
        send_signal(self.child.id(), signal);
    }

    /// Waits for the end of a program that was told to end; kills it when it doesn't.
    pub(crate) fn reap(&mut self, limit: Duration) {
        let start = Instant::now();
        while start.elapsed() < limit {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // Nothing more can be done about a program that even this doesn't end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn last_lines(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(self.stop);
            self.reap(GRACE);
        }
    }
}

/// Prefixes a command so that the kernel ends the program if we are killed and can't do it.
pub(crate) fn tied_to_us(program: &Path) -> std::process::Command {
    tied_by("TERM", program)
}

/// The same by SIGKILL, for a program that may be stopped and then hears of nothing else.
pub(crate) fn killed_with_us(program: &Path) -> std::process::Command {
    tied_by("KILL", program)
}

fn tied_by(signal: &str, program: &Path) -> std::process::Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !Path::new(SETPRIV).exists() {
        return std::process::Command::new(program);
    }
    let mut command = std::process::Command::new(SETPRIV);
    command.args(["--pdeathsig", signal]).arg(program);
    command
}

/// Sends a signal without waiting for anything.
pub(crate) fn send_signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It fails only when the program has just ended by itself, which is what we want.
        let _ = kill_process(pid, signal);
    }
}

/// The processes that a process has started and that still run, not those that these started.
pub(crate) fn children(of: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent(*id) == Some(of)).collect()
}

fn parent(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may hold anything; behind it are the state and the parent.
    let rest = stat.rsplit_once(')')?.1;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn name_of(command: &Command) -> String {
    let command = command.as_std();
    let mut name = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args().take(2) {
        name.push(' ');
        name.push_str(&argument.to_string_lossy());
    }
    name
}
