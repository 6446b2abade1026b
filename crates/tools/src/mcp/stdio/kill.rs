//! Ending processes, and whatever they have started.

use std::io;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The variable that marks what a server has started, also what has left its process group.
pub(super) const MARK: &str = "RUNLOOM_TOOL_SERVER";

/// Sends a signal to a process group. That it is gone already is what we want.
pub(super) fn group(group: Pid, signal: Signal) {
    if let Err(error) = kill_process_group(group, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(group = group.as_raw_pid(), %error, "can't signal a process group");
    }
}

/// Kills every process that carries this mark. A process that starts others meanwhile is found
/// again, a few times. Reads `/proc`; where there is none, the group has to do.
pub(super) fn marked(mark: &str) {
    const ROUNDS: usize = 5;
    let wanted = format!("{MARK}={mark}");
    for _ in 0..ROUNDS {
        let found = carriers(&wanted).unwrap_or_default();
        if found.is_empty() {
            return;
        }
        for process in found {
            // It may have gone since.
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

fn carriers(wanted: &str) -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        if carries(&entry.path(), wanted) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Processes of others can't be read, and ours that have ended have no environment any more.
fn carries(process: &Path, wanted: &str) -> bool {
    std::fs::read(process.join("environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
    })
}
