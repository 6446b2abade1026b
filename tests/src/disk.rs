use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::soon;

/// A small disk in memory, which can be filled. It needs root. Dropping it takes it away.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one of so many MiB.
    pub fn mount(mib: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={mib}m");
        run(
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]),
            folder.path(),
        );
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that there is.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).expect("there is room for a name");
        let block = [0; 4096];
        loop {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return,
                Err(error) => panic!("the disk can't be filled: {error}"),
            }
        }
    }

    /// Gives the room back.
    pub fn free(&self) {
        std::fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut umount = std::process::Command::new("umount");
        // Lazily: the server may not have closed its files yet.
        let _ = umount.arg("--lazy").arg(self.path()).status();
    }
}

fn run(command: &mut Command, at: &Path) {
    let status = command.as_std_mut().arg(at).status();
    let done = status.is_ok_and(|status| status.success());
    assert!(done, "a disk can't be mounted, which takes root");
}

/// While it is there, no flush of a process to its disk succeeds: each one answers that the
/// disk failed.
#[derive(Debug)]
pub struct FailingFlushes(Child);

impl FailingFlushes {
    /// Begins, and waits until the next flush fails.
    pub async fn of(process: Pid) -> Self {
        let program = std::env::var("RUNLOOM_TEST_STRACE")
            .expect("RUNLOOM_TEST_STRACE is not set; `cargo xtask test` sets it");
        let mut strace = Command::new(program)
            .args(["-f", "-e", "trace=fsync,fdatasync"])
            .args(["-e", "inject=fsync,fdatasync:error=EIO"])
            .args(["-p", &process.as_raw_nonzero().to_string()])
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace starts");
        let mut lines = BufReader::new(strace.stderr.take().expect("it is piped")).lines();
        soon("strace", async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("attached") {
                    return;
                }
            }
            panic!("strace can't attach to the server");
        })
        .await;
        // Nobody may close the pipe under it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self(strace)
    }

    /// From here on flushes succeed again.
    pub async fn end(mut self) {
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(Pid::from_raw).expect("it runs");
        kill_process(pid, Signal::INT).expect("it runs");
        soon("the end of strace", self.0.wait())
            .await
            .expect("it ends");
    }
}
