//! Memory and processor time of a process, read from /proc.

use anyhow::{Context, Result};
use std::time::Duration;

/// Resident memory of the process in bytes.
pub(crate) fn memory(pid: u32) -> Result<u64> {
    let status = read(pid, "status")?;
    let kib: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|value| value.trim().strip_suffix(" kB")?.trim().parse().ok())
        .with_context(|| format!("no resident memory of process {pid}"))?;
    Ok(kib * 1024)
}

/// How many sockets the process has open.
pub(crate) fn sockets(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/fd");
    let open = std::fs::read_dir(&path).with_context(|| format!("can't list {path}"))?;
    let targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let sockets = targets.filter(|target| target.to_string_lossy().starts_with("socket:"));
    Ok(sockets.count() as u64)
}

/// How many threads it has.
pub(crate) fn threads(pid: u32) -> Result<u64> {
    let status = read(pid, "status")?;
    let count = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"));
    let count = count.and_then(|count| count.trim().parse().ok());
    count.with_context(|| format!("no threads of process {pid}"))
}

/// Processor time of the process and of those that it has started and that have ended.
pub(crate) fn processor(pid: u32) -> Result<Duration> {
    let stat = read(pid, "stat")?;
    ticks(&stat)
        .map(duration)
        .with_context(|| format!("no processor time of process {pid}"))
}

fn duration(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}

/// Processor time of a process and all its children, for a database that forks for each client.
pub(crate) fn processor_of_family(pid: u32) -> Result<Duration> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .with_context(|| format!("no children of process {pid}"))?;
    let mut sum = processor(pid)?;
    for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
        // One that has just ended is counted by its parent from now on.
        sum += processor(child).unwrap_or_default();
    }
    Ok(sum)
}

/// Processor time that all cores of the machine have spent on work since it started.
pub(crate) fn processor_of_machine() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat").context("can't read /proc/stat")?;
    let ticks = busy_ticks(text.lines().next().unwrap_or_default());
    ticks.map(duration).context("/proc/stat has no processors")
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("can't read {path}"))
}

/// utime, stime, cutime and cstime: fields 14 to 17, counted behind the name in parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut sum = 0;
    for field in fields.split_whitespace().skip(11).take(4) {
        sum += field.parse::<u64>().ok()?;
    }
    Some(sum)
}

/// All columns of the line `cpu` but idle and iowait, the fourth and fifth, and those of guests,
/// which are counted in others.
fn busy_ticks(line: &str) -> Option<u64> {
    let columns = line.strip_prefix("cpu ")?.split_whitespace();
    let columns: Vec<u64> = columns.map_while(|column| column.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7];
    busy.iter().map(|&index| columns.get(index)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_a_name_with_blanks() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 9 0";
        assert_eq!(ticks(stat), Some(124));
    }

    #[test]
    fn idle_processors_are_not_busy() {
        assert_eq!(busy_ticks("cpu  10 1 5 900 50 2 3 4 7 0"), Some(25));
        assert_eq!(busy_ticks("intr 10"), None);
    }

    #[test]
    fn our_own_figures_can_be_read() {
        let pid = std::process::id();
        assert!(memory(pid).unwrap() > 1 << 20);
        assert!(threads(pid).unwrap() >= 1);
        assert!(sockets(pid).is_ok());
        assert!(processor_of_family(pid).is_ok());
        assert!(processor_of_machine().unwrap() > Duration::ZERO);
    }
}
