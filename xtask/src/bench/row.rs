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
    /// The same load on an endpoint that stores nothing.
    Bare(Load),
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
            Self::Bare(load) => format!("bare-{}", load.name()),
        }
    }

    /// Whether the row needs several nodes on one database.
    fn has_nodes(&self) -> bool {
        matches!(self, Self::Elsewhere { .. } | Self::Lost { .. })
    }

    /// Whether the row needs no server.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self, Self::Bare(_))
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
        Row::Bare(closed(1)),
        Row::Bare(closed(16)),
        Row::Bare(closed(64)),
        Row::Bare(closed(256)),
        Row::Bare(open),
    ]
}

/// The rows whose name begins with one of `only`, all when it is empty; those of several nodes
/// where the store is for `many`.
pub(crate) fn select(only: &[String], many: bool) -> Result<Vec<Row>> {
    let rows: Vec<Row> = all()
        .into_iter()
        .filter(|row| many || !row.has_nodes())
        .filter(|row| {
            only.is_empty()
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
        assert!(select(&["nothing".to_owned()], true).is_err());
        assert!(select(&["kill".to_owned()], false).is_err());
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut all = names(&[]);
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
