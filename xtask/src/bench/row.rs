//! The rows of the benchmark's table.

use anyhow::{Result, ensure};
use clap::ValueEnum;
use rustix::process::Signal;

/// What one row measures.
#[derive(Clone)]
pub(crate) enum Row {
    /// From starting the process to being ready, on a new store and on an existing one.
    ColdStart,
    /// Memory of a server that nobody uses.
    Idle,
    /// A load on the server.
    Load(Load),
    /// Silent streams, all open at once.
    Held { streams: usize },
    /// Runs that outlive a killed server.
    Resume { runs: usize },
    /// Runs watched on their node and on another.
    Elsewhere { runs: usize, hints: Hints },
    /// Runs whose node ends, watched on another.
    Lost { runs: usize, end: End },
    /// A load on three nodes of one database.
    Nodes { clients: usize },
    /// Loads beside so many finished runs.
    Curve { runs: u32 },
    /// Runs that are routed, accounted for and limited, beside runs that aren't.
    Overhead,
    /// Runs with tool calls, beside runs without.
    ToolCalls,
    /// So many runs that wait for people.
    Waiting { runs: usize },
    /// What an organisation has used, with so many finished runs.
    Usage { runs: u32 },
    /// Requests with row-level security and without it.
    Wall,
    /// Finding out who asks, and what signing in does to others.
    Auth,
    /// Something large.
    Big(Big),
    /// The same load on an endpoint that stores nothing.
    Bare(Load),
}

/// What is large.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Big {
    Thread,
    Run,
    /// Needs a server with the tools of tests.
    Result,
}

/// What carries hints between nodes.
#[derive(Clone, Copy)]
pub(crate) enum Hints {
    Database,
    Nats,
    /// A NATS that isn't there: nodes look by themselves.
    None,
}

/// How a node ends.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum End {
    Kill,
    Stop,
}

impl End {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
        }
    }

    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Stop => Signal::TERM,
        }
    }
}

/// A load that needs nothing from us while it runs.
#[derive(Clone)]
pub(crate) enum Load {
    Closed { clients: usize, route: &'static str },
    Open { rate: u64 },
    Threads { clients: usize },
    Cancel { runs: usize },
}

impl Row {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::ColdStart => "cold-start".to_owned(),
            Self::Idle => "idle".to_owned(),
            Self::Load(load) => load.name(),
            Self::Held { streams } => format!("held-{streams}"),
            Self::Resume { .. } => "resume".to_owned(),
            Self::Elsewhere { hints, .. } => match hints {
                Hints::Database => "elsewhere-database".to_owned(),
                Hints::Nats => "elsewhere-nats".to_owned(),
                Hints::None => "elsewhere-alone".to_owned(),
            },
            Self::Lost { runs, end } => format!("{}-{runs}", end.as_str()),
            Self::Nodes { clients } => format!("nodes-{clients}"),
            Self::Curve { runs } => format!("curve-{}", short(*runs)),
            Self::Overhead => "overhead".to_owned(),
            Self::ToolCalls => "tool-calls".to_owned(),
            Self::Waiting { runs } => format!("waiting-{runs}"),
            Self::Usage { runs } => format!("usage-{}", short(*runs)),
            Self::Wall => "wall".to_owned(),
            Self::Auth => "auth".to_owned(),
            Self::Big(Big::Thread) => "big-thread".to_owned(),
            Self::Big(Big::Run) => "big-run".to_owned(),
            Self::Big(Big::Result) => "big-result".to_owned(),
            Self::Bare(load) => format!("bare-{}", load.name()),
        }
    }

    /// Whether the row needs PostgreSQL: several nodes on one database, or its policies.
    fn needs_postgres(&self) -> bool {
        matches!(
            self,
            Self::Elsewhere { .. } | Self::Lost { .. } | Self::Nodes { .. } | Self::Wall
        )
    }

    /// Whether the row is measured only when it is asked for: it takes long, or a server of its
    /// own.
    fn is_for_those_who_ask(&self) -> bool {
        matches!(
            self,
            Self::Curve { .. }
                | Self::Overhead
                | Self::ToolCalls
                | Self::Waiting { .. }
                | Self::Usage { .. }
                | Self::Wall
                | Self::Auth
        ) || self.has_test_tools()
    }

    /// Whether the server must have the tools of tests.
    pub(crate) fn has_test_tools(&self) -> bool {
        matches!(self, Self::Big(Big::Result))
    }

    /// Whether the row needs no server.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self, Self::Bare(_))
    }
}

/// A number with its thousands in letters.
fn short(number: u32) -> String {
    match number {
        1_000_000.. => format!("{}m", number / 1_000_000),
        1_000.. => format!("{}k", number / 1_000),
        _ => number.to_string(),
    }
}

impl Load {
    fn name(&self) -> String {
        match self {
            Self::Closed {
                clients: 1,
                route: "fake-a",
            } => "one".to_owned(),
            Self::Closed {
                clients,
                route: "fake-a",
            } => format!("closed-{clients}"),
            Self::Closed { clients, .. } => format!("tools-{clients}"),
            Self::Open { rate } => format!("open-{rate}"),
            Self::Threads { clients } => format!("threads-{clients}"),
            Self::Cancel { .. } => "cancel".to_owned(),
        }
    }

    /// The load as `bench-load` takes it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let words: Vec<String> = match self {
            Self::Closed { clients, route } => vec![
                "closed".into(),
                "--clients".into(),
                clients.to_string(),
                "--route".into(),
                (*route).into(),
            ],
            Self::Open { rate } => vec!["open".into(), "--rate".into(), rate.to_string()],
            Self::Threads { clients } => {
                vec!["threads".into(), "--clients".into(), clients.to_string()]
            }
            Self::Cancel { runs } => vec!["cancel".into(), "--runs".into(), runs.to_string()],
        };
        words
    }
}

fn all() -> Vec<Row> {
    let closed = |clients| Load::Closed {
        clients,
        route: "fake-a",
    };
    let open = Load::Open { rate: 400 };
    vec![
        Row::ColdStart,
        Row::Idle,
        Row::Load(closed(1)),
        Row::Load(closed(16)),
        Row::Load(closed(64)),
        Row::Load(closed(256)),
        Row::Load(Load::Closed {
            clients: 64,
            route: "fake-b",
        }),
        Row::Load(open.clone()),
        Row::Held { streams: 2000 },
        Row::Held { streams: 5000 },
        Row::Load(Load::Threads { clients: 200 }),
        Row::Load(Load::Cancel { runs: 50 }),
        Row::Resume { runs: 50 },
        Row::Elsewhere {
            runs: 50,
            hints: Hints::Nats,
        },
        Row::Elsewhere {
            runs: 50,
            hints: Hints::Database,
        },
        Row::Elsewhere {
            runs: 50,
            hints: Hints::None,
        },
        Row::Lost {
            runs: 60,
            end: End::Kill,
        },
        Row::Lost {
            runs: 60,
            end: End::Stop,
        },
        Row::Nodes { clients: 64 },
        Row::Big(Big::Thread),
        Row::Big(Big::Run),
        Row::Big(Big::Result),
        Row::Curve { runs: 1 },
        Row::Curve { runs: 10_000 },
        Row::Curve { runs: 100_000 },
        Row::Curve { runs: 1_000_000 },
        Row::Overhead,
        Row::ToolCalls,
        Row::Waiting { runs: 10_000 },
        Row::Usage { runs: 100_000 },
        Row::Wall,
        Row::Auth,
        Row::Bare(closed(1)),
        Row::Bare(closed(16)),
        Row::Bare(closed(64)),
        Row::Bare(closed(256)),
        Row::Bare(open),
    ]
}

/// The rows whose name begins with one of `only`; all that needn't be asked for when it is empty;
/// those for PostgreSQL where the store is for `many`.
pub(crate) fn select(only: &[String], many: bool) -> Result<Vec<Row>> {
    let rows: Vec<Row> = all()
        .into_iter()
        .filter(|row| many || !row.needs_postgres())
        .filter(|row| {
            (only.is_empty() && !row.is_for_those_who_ask())
                || only
                    .iter()
                    .any(|name| row.name().starts_with(name.as_str()))
        })
        .collect();
    let names: Vec<String> = all().iter().map(Row::name).collect();
    ensure!(
        !rows.is_empty(),
        "no such row on this store; there are: {}",
        names.join(", ")
    );
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str]) -> Vec<String> {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        select(&only, true).unwrap().iter().map(Row::name).collect()
    }

    #[test]
    fn rows_are_chosen_by_the_beginning_of_their_names() {
        assert_eq!(names(&["closed-6", "idle"]), ["idle", "closed-64"]);
        assert_eq!(names(&["curve-1"]).len(), 4);
        assert!(!names(&[]).contains(&"curve-1".to_owned()));
        assert!(select(&["nothing".to_owned()], true).is_err());
        assert!(select(&["kill".to_owned()], false).is_err());
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut all: Vec<String> = all().iter().map(Row::name).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
