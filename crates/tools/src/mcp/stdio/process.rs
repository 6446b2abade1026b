use std::io;
use std::process::{ExitStatus, Stdio as Standard};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{kill, stderr, watch};
use crate::mcp::fault::Fault;
use crate::mcp::spec::Stdio;

/// How long a server has to end after its standard input closed, and after SIGTERM. Together
/// with the rest they stay below the two seconds in which a shutdown is done.
const CLOSED: Duration = Duration::from_millis(300);
const TERMINATED: Duration = Duration::from_millis(300);

/// What is inherited, if it is there.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

/// A server that runs. Dropping it ends the server, in the background.
#[derive(Debug)]
pub(in crate::mcp) struct Process {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// The streams that messages go by.
pub(in crate::mcp) struct Pipes {
    pub(in crate::mcp) stdin: ChildStdin,
    pub(in crate::mcp) stdout: ChildStdout,
}

/// Starts a server. `fault` gets to know how it ended.
pub(in crate::mcp) fn start(
    server: &str,
    spec: &Stdio,
    fault: Fault,
) -> io::Result<(Process, Pipes)> {
    let mark = mark()?;
    let mut child = command(spec, &mark).spawn()?;
    let missing = || io::Error::other("a process without its streams");
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    let group = pid.and_then(Pid::from_raw).ok_or_else(missing)?;
    let pipes = Pipes {
        stdin: child.stdin.take().ok_or_else(missing)?,
        stdout: child.stdout.take().ok_or_else(missing)?,
    };
    if let Some(written) = child.stderr.take() {
        tokio::spawn(stderr::drain(server.to_owned(), written));
    }
    let stop = CancellationToken::new();
    let running = Running {
        child,
        watcher: watch::over(group),
        end: End { group, mark },
        fault,
    };
    let process = Process {
        stop: stop.clone(),
        task: Some(tokio::spawn(running.until(stop))),
    };
    Ok((process, pipes))
}

fn command(spec: &Stdio, mark: &str) -> Command {
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .env_clear()
        .envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .envs(&spec.env)
        .env(kill::MARK, mark)
        .stdin(Standard::piped())
        .stdout(Standard::piped())
        .stderr(Standard::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(dir) = &spec.dir {
        command.current_dir(dir);
    }
    command
}

fn mark() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

impl Process {
    /// Ends the server and waits until it is gone, 1 s at most. Its standard input should be
    /// closed by now, or soon.
    pub(in crate::mcp) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "a task that ends a server of tools broke");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Running {
    child: Child,
    watcher: Option<Child>,
    end: End,
    fault: Fault,
}

impl Running {
    /// Waits for the server's end, or ends it.
    async fn until(mut self, stop: CancellationToken) {
        let fault = self.fault.clone();
        tokio::select! {
            status = self.child.wait() => self.fault.set(ended(status)),
            () = stop.cancelled() => self.ask().await,
            () = fault.happened() => self.ask().await,
        }
        // The rest of the group may hold the pipes open, or go on for ever.
        let Self {
            mut child,
            watcher,
            end,
            ..
        } = self;
        let killed = tokio::task::spawn_blocking(move || drop(end)).await;
        if let Err(error) = killed {
            tracing::warn!(%error, "a task that ends processes broke");
        }
        // Takes its status, so that nothing is left in the table of processes.
        let _ = timeout(TERMINATED, child.wait()).await;
        watch::end(watcher).await;
    }

    /// Gives the server the time to end by itself.
    async fn ask(&mut self) {
        self.fault.set("it was stopped");
        if timeout(CLOSED, self.child.wait()).await.is_ok() {
            return;
        }
        kill::group(self.end.group, Signal::TERM);
        let _ = timeout(TERMINATED, self.child.wait()).await;
    }
}

fn ended(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("its process ended ({status})"),
        Err(error) => format!("its process was lost: {error}"),
    }
}

/// Kills what is left when dropped, also when the runtime goes away before the server does.
struct End {
    group: Pid,
    mark: String,
}

impl Drop for End {
    fn drop(&mut self) {
        kill::group(self.group, Signal::KILL);
        kill::marked(&self.mark);
    }
}
