//! What is done to the parts, and when: made from the seed, written down before it begins.

mod generate;
pub(crate) mod shrink;

pub(crate) use generate::generate;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Something bad that is done to a part. Times are milliseconds; what is taken away comes back
/// by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Action {
    /// kill -9; it is started again after `down_ms`.
    Kill { node: usize, down_ms: u64 },
    /// SIGSTOP, then SIGCONT.
    Pause { node: usize, for_ms: u64 },
    /// SIGTERM; it is started again after its end and `down_ms`.
    Stop { node: usize, down_ms: u64 },
    /// A clean restart with a clock that is wrong by `seconds`, and another with the true one.
    Skew {
        node: usize,
        seconds: i64,
        for_ms: u64,
    },
    /// kill -9 of PostgreSQL with all its processes.
    KillDatabase { down_ms: u64 },
    /// SIGSTOP of PostgreSQL with all its processes.
    PauseDatabase { for_ms: u64 },
    /// kill -9 of NATS.
    KillNats { down_ms: u64 },
    /// SIGSTOP of NATS.
    PauseNats { for_ms: u64 },
    /// Each piece on the way between a node and the database comes later.
    Delay { node: usize, ms: u64, for_ms: u64 },
    /// No byte passes between a node and the database.
    Hold { node: usize, for_ms: u64 },
    /// All connections of a node to the database are cut.
    Cut { node: usize },
    /// The next write of a node arrives and is committed, its answer is dropped, and the
    /// connection is cut; so many times.
    CutAfterCommit { node: usize, times: u64 },
    /// No byte passes between a node and NATS.
    HoldNats { node: usize, for_ms: u64 },
}

/// What an action is done to. Two actions never hold the same one at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
    Node(usize),
    Link(usize),
    NatsLink(usize),
    Database,
    Nats,
}

impl Action {
    pub(crate) const fn target(&self) -> Target {
        match *self {
            Self::Kill { node, .. }
            | Self::Pause { node, .. }
            | Self::Stop { node, .. }
            | Self::Skew { node, .. } => Target::Node(node),
            Self::Delay { node, .. }
            | Self::Hold { node, .. }
            | Self::Cut { node }
            | Self::CutAfterCommit { node, .. } => Target::Link(node),
            Self::HoldNats { node, .. } => Target::NatsLink(node),
            Self::KillDatabase { .. } | Self::PauseDatabase { .. } => Target::Database,
            Self::KillNats { .. } | Self::PauseNats { .. } => Target::Nats,
        }
    }

    /// How long it holds its target, in milliseconds.
    pub(crate) const fn lasts_ms(&self) -> u64 {
        match *self {
            Self::Kill { down_ms, .. }
            | Self::Stop { down_ms, .. }
            | Self::KillDatabase { down_ms }
            | Self::KillNats { down_ms } => down_ms,
            Self::Pause { for_ms, .. }
            | Self::Skew { for_ms, .. }
            | Self::PauseDatabase { for_ms }
            | Self::PauseNats { for_ms }
            | Self::Delay { for_ms, .. }
            | Self::Hold { for_ms, .. }
            | Self::HoldNats { for_ms, .. } => for_ms,
            Self::Cut { .. } | Self::CutAfterCommit { .. } => 0,
        }
    }

    /// Its name in counts.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "node kills",
            Self::Pause { .. } => "node pauses",
            Self::Stop { .. } => "node stops",
            Self::Skew { .. } => "clock skews",
            Self::KillDatabase { .. } => "database kills",
            Self::PauseDatabase { .. } => "database pauses",
            Self::KillNats { .. } => "NATS kills",
            Self::PauseNats { .. } => "NATS pauses",
            Self::Delay { .. } => "proxy delays",
            Self::Hold { .. } => "proxy holds",
            Self::Cut { .. } => "proxy cuts",
            Self::CutAfterCommit { .. } => "proxy cuts after commit",
            Self::HoldNats { .. } => "proxy holds of NATS",
        }
    }
}

/// An action with its time from the start of the faults, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scheduled {
    pub(crate) at_ms: u64,
    #[serde(flatten)]
    pub(crate) action: Action,
}

/// A whole run of the driver, which it can be repeated from: the first line of its file, then a
/// line for each action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) header: Header,
    pub(crate) actions: Vec<Scheduled>,
}

/// What the actions were made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) seed: u64,
    pub(crate) minutes: u64,
    pub(crate) profile: super::profile::Profile,
    pub(crate) nodes: usize,
    pub(crate) planted_bug: Option<String>,
}

impl Schedule {
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string(&self.header).context("can't write the header")?;
        text.push('\n');
        for action in &self.actions {
            text.push_str(&serde_json::to_string(action).context("can't write an action")?);
            text.push('\n');
        }
        std::fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let failed = || format!("can't read {}", path.display());
        let text = std::fs::read_to_string(path).with_context(failed)?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let header = lines.next().context("the schedule is empty")?;
        let header = serde_json::from_str(header).with_context(failed)?;
        let actions = lines.map(serde_json::from_str).collect::<Result<_, _>>();
        Ok(Self {
            header,
            actions: actions.with_context(failed)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::profile::Profile;

    #[test]
    fn a_schedule_comes_back_from_its_file() {
        let schedule = Schedule {
            header: Header {
                seed: 3,
                minutes: 1,
                profile: Profile::Safety,
                nodes: 3,
                planted_bug: None,
            },
            actions: generate(3, 3, 60_000, Profile::Safety),
        };
        assert!(schedule.actions.len() > 10);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("schedule.jsonl");
        schedule.write(&path).unwrap();
        assert_eq!(Schedule::read(&path).unwrap(), schedule);
    }
}
