//! The commands of docs/cluster.md, as they stand there but for their ports.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use runloom_tests::{Output, server_binary, soon};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const DOCUMENT: &str = include_str!("../../../docs/cluster.md");
const BUILD: &str = "cargo build --release --workspace --bins\n";

/// The blocks of commands, each without its indentation.
fn commands() -> Vec<String> {
    let blocks = DOCUMENT.split("```sh\n").skip(1);
    let text = |block: &str| {
        let block = block.split("```").next().expect("split gives something");
        let lines = block
            .lines()
            .map(|line| line.strip_prefix("   ").unwrap_or(line));
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        lines.join("\n") + "\n"
    };
    blocks.map(text).collect()
}

/// The commands with ports that are free here.
fn with_free_ports(mut commands: String) -> String {
    let ports = ["5433", "4222", "8081", "8082", "8083"];
    let free = ports.map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port"));
    for (port, free) in ports.iter().zip(free) {
        let free = free.local_addr().expect("it is bound").port();
        commands = commands.replace(port, &free.to_string());
    }
    commands
}

/// A folder in which the programs are where the build would have left them.
fn clone() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let release = folder.path().join("target/release");
    std::fs::create_dir_all(&release).expect("the folder is ours");
    let server = server_binary();
    let links = [
        ("runloom", server.clone()),
        ("xtask", server.with_file_name("xtask")),
    ];
    for (name, program) in links {
        assert!(program.exists(), "there is no {}", program.display());
        symlink(program, release.join(name)).expect("the folder is ours");
    }
    folder
}

/// A terminal in which a block of commands runs.
struct Terminal {
    shell: Child,
    output: Output,
}

impl Terminal {
    fn run(folder: &Path, commands: &str) -> Self {
        let mut bash = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            let ours = name.to_string_lossy();
            if ours.starts_with("RUNLOOM_") && ours != "RUNLOOM_PARTS" {
                bash.env_remove(name);
            }
        }
        let mut shell = bash
            .args(["-e", "-c", commands])
            .current_dir(folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let output = Output::collect(shell.stdout.take().expect("it is piped"));
        Self { shell, output }
    }

    async fn says(&mut self, what: &str) {
        let said = soon(what, self.output.line(|line| line.contains(what))).await;
        assert!(
            said.is_some(),
            "not {what:?} but {:#?}",
            self.output.lines()
        );
    }

    fn interrupt(&self) {
        let id = self.shell.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::TERM);
        }
    }

    async fn ends(mut self) -> Vec<String> {
        soon("the end of a command", self.shell.wait())
            .await
            .expect("it can be waited for");
        self.output.end().await;
        self.output.lines()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.interrupt();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_commands_make_three_nodes() {
    let all = commands();
    assert_eq!(all[0], BUILD);
    let all = with_free_ports(all[1..5].join("\0"));
    let [postgres, nats, nodes, run] = all.split('\0').collect::<Vec<_>>()[..] else {
        panic!("five commands, not {all}");
    };
    let folder = clone();
    let mut postgres = Terminal::run(folder.path(), postgres);
    postgres.says("PostgreSQL is up").await;
    let mut nats = Terminal::run(folder.path(), nats);
    nats.says("NATS is up").await;
    let mut nodes = Terminal::run(folder.path(), nodes);
    let listening = |lines: &[String]| {
        lines
            .iter()
            .filter(|line| line.contains("listens on"))
            .count()
    };
    soon("three nodes", async {
        while listening(&nodes.output.lines()) < 3 {
            nodes.output.grows().await;
        }
    })
    .await;
    let said = Terminal::run(folder.path(), run).ends().await;
    let last = said.iter().rfind(|line| line.starts_with("data:"));
    assert!(
        last.is_some_and(|last| last.contains("run.completed")),
        "{said:#?}"
    );
    for terminal in [nodes, nats, postgres] {
        terminal.interrupt();
        terminal.ends().await;
    }
}
