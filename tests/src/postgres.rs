use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio_postgres::NoTls;

use crate::soon;

/// Between two looks at what is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// A PostgreSQL of a test's own, which may be killed, frozen and started again; other tests use
/// the shared one. What it says is committed outlives its processes, not the machine.
#[derive(Debug)]
pub struct Postgres {
    server: Option<Child>,
    programs: PathBuf,
    /// Who it runs as, since it refuses to run as root.
    account: Option<[u32; 2]>,
    port: u16,
    // Dropped when the processes have been killed.
    folder: TempDir,
}

impl Postgres {
    /// Makes an empty one, and waits until it answers.
    pub async fn start() -> Self {
        let programs = std::env::var_os("RUNLOOM_TEST_POSTGRES_BIN")
            .expect("RUNLOOM_TEST_POSTGRES_BIN is not set; `cargo xtask test` sets it");
        let folder = tempfile::Builder::new()
            .prefix("runloom-test-postgres-")
            .tempdir()
            .expect("a temporary folder can be made");
        let account = account().await;
        if let Some([user, group]) = account {
            let given = std::os::unix::fs::chown(folder.path(), Some(user), Some(group));
            given.expect("root may give folders away");
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let mut postgres = Self {
            server: None,
            programs: programs.into(),
            account,
            port: listener.local_addr().expect("it is bound").port(),
            folder,
        };
        drop(listener);
        let made = postgres
            .command("initdb")
            .args(["--username", "postgres", "--auth", "trust", "--no-sync"])
            .args(["--encoding", "UTF8", "--locale", "C"])
            .output()
            .await
            .expect("initdb starts");
        assert!(made.status.success(), "{made:?}");
        postgres.again().await;
        postgres
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it on the data that it has, and waits until it answers.
    pub async fn again(&mut self) {
        let settings = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "shared_buffers=32MB",
            // The machine stays up; a commit must outlive the processes all the same.
            "fsync=off",
            "synchronous_commit=on",
        ];
        let mut command = self.command("postgres");
        command.args(["-p", &self.port.to_string()]);
        for setting in settings {
            command.args(["-c", setting]);
        }
        let server = command
            .kill_on_drop(true)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        self.server = Some(server);
        soon("PostgreSQL", async {
            while tokio_postgres::connect(&self.url(), NoTls).await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
    }

    /// kill -9 of all its processes, and waits until they are gone.
    pub async fn kill(&mut self) {
        let family = self.signal(Signal::KILL);
        let mut server = self.server.take().expect("it runs");
        soon("the end of PostgreSQL", async {
            server.wait().await.expect("it can be waited for");
            while family.iter().any(|process| is_alive(*process)) {
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
    }

    /// Freezes all its processes: the kernel still takes connections and bytes for them.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// To the server first, so that it makes no processes that would be missed.
    fn signal(&self, signal: Signal) -> Vec<Pid> {
        let id = self.server.as_ref().and_then(Child::id);
        let Some(server) = id.and_then(|id| pid(&id.to_string())) else {
            return Vec::new();
        };
        let _ = kill_process(server, signal);
        let path = format!("/proc/{0}/task/{0}/children", server.as_raw_nonzero());
        let children = std::fs::read_to_string(path).unwrap_or_default();
        let children: Vec<Pid> = children.split_whitespace().filter_map(pid).collect();
        for child in &children {
            // One that has just ended needs no signal.
            let _ = kill_process(*child, signal);
        }
        children
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if let Some([user, group]) = self.account {
            command.uid(user).gid(group);
        }
        command.arg("-D").arg(self.folder.path().join("data"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A killed server is a zombie until it is waited for, and then has no children to name.
        self.freeze();
        self.signal(Signal::KILL);
    }
}

fn pid(id: &str) -> Option<Pid> {
    Pid::from_raw(id.parse().ok()?)
}

/// Whether the process is there and is more than a zombie.
fn is_alive(process: Pid) -> bool {
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    let stat = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, fields)| fields.trim_start());
    state.is_some_and(|state| !state.starts_with('Z'))
}

/// An account other than root, when we are root.
async fn account() -> Option<[u32; 2]> {
    if !geteuid().is_root() {
        return None;
    }
    for name in ["postgres", "nobody"] {
        if let (Some(user), Some(group)) = (id("-u", name).await, id("-g", name).await) {
            return Some([user, group]);
        }
    }
    panic!("PostgreSQL needs an account other than root, such as `nobody`");
}

async fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, name]).output().await.ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
