//! `cargo xtask bench-load`: the process that loads a server and prints what it saw as JSON.

pub(crate) mod auth;
pub(crate) mod big;
pub(crate) mod cancel;
pub(crate) mod closed;
pub(crate) mod curve;
pub(crate) mod elsewhere;
pub(crate) mod events;
pub(crate) mod held;
pub(crate) mod lost;
pub(crate) mod open;
pub(crate) mod overhead;
pub(crate) mod result;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod threads;
pub(crate) mod tool_calls;
pub(crate) mod used;
pub(crate) mod waiting;
pub(crate) mod wire;

use crate::bench::row::End;
use crate::bench::{limits, usage};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the server listens
    #[arg(long)]
    address: SocketAddr,
    /// API key; from the environment, so that it isn't seen in lists of processes
    #[arg(skip = std::env::var("RUNLOOM_API_KEY").unwrap_or_default())]
    key: String,
    /// How long to measure
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Clients that start a run as soon as their last has ended
    Closed {
        #[arg(long)]
        clients: usize,
        #[arg(long, default_value = "fake-a")]
        route: String,
        /// Where other nodes listen that clients use by turns
        #[arg(long)]
        other: Vec<SocketAddr>,
    },
    /// Clients that start a run and read lists by turns
    Curve {
        #[arg(long)]
        clients: usize,
    },
    /// Runs of organisations that differ, by turns; there is a key for each, with commas between
    Overhead {
        /// The id of the server's process
        #[arg(long)]
        process: u32,
        /// That of its database
        #[arg(long)]
        database: Option<u32>,
    },
    /// Runs with tool calls and runs without, by turns
    ToolCalls,
    /// Runs that come to wait for a person
    Waiting {
        #[arg(long)]
        runs: usize,
        /// Answer each of them instead of leaving it
        #[arg(long)]
        answered: bool,
    },
    /// What an organisation has used, by each group
    Used {
        /// The finished runs that count at least
        #[arg(long)]
        runs: u64,
    },
    /// Credentials: finding out who asks, revoked keys, and people who sign in
    Auth {
        /// Where another node listens
        #[arg(long)]
        other: Option<SocketAddr>,
    },
    /// Runs in a large thread, and its pages
    BigThread {
        #[arg(long)]
        thread: String,
    },
    /// The events of a long run
    Replay {
        #[arg(long)]
        run: String,
        /// The last event to read
        #[arg(long)]
        last: u64,
    },
    /// Runs with large tool results
    Results,
    /// Runs that start at a fixed rate, whatever became of those before
    Open {
        #[arg(long)]
        rate: u64,
    },
    /// Streams of silent runs, all open at once; announces when they are
    Held {
        #[arg(long)]
        streams: usize,
    },
    /// Clients that create, read, rename and delete threads
    Threads {
        #[arg(long)]
        clients: usize,
    },
    /// Runs that are cancelled after their first delta
    Cancel {
        #[arg(long)]
        runs: usize,
    },
    /// Runs during which the server is killed; announces when all of them stream
    Resume {
        #[arg(long)]
        runs: usize,
    },
    /// Runs that are watched on their node and on another one
    Elsewhere {
        #[arg(long)]
        runs: usize,
        /// Where the other node listens
        #[arg(long)]
        other: SocketAddr,
    },
    /// Runs whose node is ended while they are watched on another one
    Lost {
        #[arg(long)]
        runs: usize,
        /// Where the other node listens
        #[arg(long)]
        other: SocketAddr,
        /// The id of the node's process
        #[arg(long)]
        process: i32,
        /// How it is ended
        #[arg(long, value_enum)]
        end: End,
    },
}

/// What a load needs to reach the server.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
}

impl Target {
    /// Another node of the same deployment.
    fn at(&self, address: SocketAddr) -> Self {
        let key = self.key.clone();
        Self { address, key }
    }

    pub(crate) async fn connect(&self) -> Result<wire::Connection> {
        wire::Connection::open(self.address, &self.key).await
    }

    /// A connection that can take a request: the given one, or a new one in its place.
    pub(crate) async fn usable<'a>(
        &self,
        slot: &'a mut Option<wire::Connection>,
    ) -> Result<&'a mut wire::Connection> {
        let kept = slot.take().filter(wire::Connection::is_reusable);
        let connection = match kept {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(slot.insert(connection))
    }
}

/// Runs one load to its end. Everything is on one thread, since the other core is the server's.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    limits::raise_open_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't make a runtime")?;
    let target = Target {
        address: arguments.address,
        key: arguments.key,
    };
    let time = Duration::from_secs(arguments.seconds);
    let begin = Instant::now();
    let local = tokio::task::LocalSet::new();
    let mut result = local.block_on(&runtime, async {
        match arguments.load {
            Load::Closed {
                clients,
                route,
                other,
            } => {
                let others = other.into_iter().map(|address| target.at(address));
                let targets: Vec<_> = std::iter::once(target.clone()).chain(others).collect();
                closed::load(&targets, clients, &route, time).await
            }
            Load::Curve { clients } => curve::load(&target, clients, time).await,
            Load::Overhead { process, database } => {
                let processes = overhead::Processes {
                    server: process,
                    database,
                };
                overhead::load(&target, processes, time).await
            }
            Load::ToolCalls => tool_calls::load(&target, time).await,
            Load::Waiting { runs, answered } => waiting::load(&target, runs, answered).await,
            Load::Used { runs } => used::load(&target, runs).await,
            Load::Auth { other } => {
                let other = other.map(|address| target.at(address));
                auth::load(&target, other.as_ref()).await
            }
            Load::BigThread { thread } => big::thread(&target, &thread).await,
            Load::Replay { run, last } => big::replay(&target, &run, last).await,
            Load::Results => big::results(&target).await,
            Load::Open { rate } => open::load(&target, rate, time).await,
            Load::Held { streams } => held::load(&target, streams).await,
            Load::Threads { clients } => threads::load(&target, clients, time).await,
            Load::Cancel { runs } => cancel::load(&target, runs).await,
            Load::Resume { runs } => resume::load(&target, runs).await,
            Load::Elsewhere { runs, other } => {
                elsewhere::load(&target, &target.at(other), runs, time).await
            }
            Load::Lost {
                runs,
                other,
                process,
                end,
            } => lost::load(&target, &target.at(other), runs, process, end.signal()).await,
        }
    })?;
    let processor = usage::processor(std::process::id())?;
    result.cores = processor.as_secs_f64() / begin.elapsed().as_secs_f64();
    let json = serde_json::to_string(&result).context("can't write the result")?;
    println!("{json}");
    Ok(())
}
