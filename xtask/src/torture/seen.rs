//! What clients saw: the first of the three views that are compared.

use anyhow::{Context, Result};
use serde::Serialize;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A request and what became of it. Times are milliseconds since the driver's start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Operation {
    pub(crate) client: usize,
    pub(crate) node: usize,
    pub(crate) began_ms: u64,
    pub(crate) ended_ms: u64,
    pub(crate) request: Request,
    pub(crate) outcome: Outcome,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub(crate) enum Request {
    Thread,
    /// `name` is in the run's input, and its idempotency key.
    Create {
        name: String,
        thread: String,
    },
    Input {
        run: String,
        request_id: String,
        content: String,
    },
    Cancel {
        run: String,
    },
    List,
}

impl Request {
    /// Its name in counts.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Create { .. } => "create",
            Self::Input { .. } => "input",
            Self::Cancel { .. } => "cancel",
            Self::List => "list",
        }
    }
}

/// What a client knows of its request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// An answer: its status, the code of an error, the id in it.
    Answered {
        status: u16,
        code: Option<String>,
        id: Option<String>,
        trace: Option<String>,
    },
    /// None; the request may have been carried out.
    Lost { why: String },
}

impl Outcome {
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::Lost { .. } => None,
        }
    }

    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Answered { id, .. } => id.as_deref(),
            Self::Lost { .. } => None,
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status()
            .is_some_and(|status| (200..300).contains(&status))
    }
}

/// One connection to a run's events.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Stream {
    pub(crate) client: usize,
    pub(crate) node: usize,
    pub(crate) run: String,
    pub(crate) after_seq: u64,
    /// Absent when nobody answered.
    pub(crate) status: Option<u16>,
    pub(crate) lines: Vec<Line>,
    /// A frame that is none.
    pub(crate) malformed: Option<String>,
}

/// An event as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) at_ms: u64,
    /// The frame's `id:`.
    pub(crate) seq: u64,
    /// The frame's `data:`, byte for byte.
    pub(crate) data: String,
}

/// Something that a client wanted, with as many requests as it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Goal {
    pub(crate) began_ms: u64,
    pub(crate) reached: bool,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) operations: Vec<Operation>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) goals: Vec<Goal>,
}

/// Where clients write down what they see.
pub(crate) struct Notes {
    begin: Instant,
    seen: Mutex<Seen>,
}

impl Notes {
    pub(crate) fn new(begin: Instant) -> Self {
        Self {
            begin,
            seen: Mutex::default(),
        }
    }

    /// Milliseconds since the driver's start.
    pub(crate) fn now_ms(&self) -> u64 {
        self.begin.elapsed().as_millis() as u64
    }

    pub(crate) fn with<T>(&self, what: impl FnOnce(&mut Seen) -> T) -> T {
        what(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seen {
    /// Writes everything down, one line of JSON for each thing.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let failed = || format!("can't write {}", path.display());
        let file = std::fs::File::create(path).with_context(failed)?;
        let mut out = std::io::BufWriter::new(file);
        for operation in &self.operations {
            serde_json::to_writer(&mut out, operation).with_context(failed)?;
            out.write_all(b"\n").with_context(failed)?;
        }
        for stream in &self.streams {
            serde_json::to_writer(&mut out, stream).with_context(failed)?;
            out.write_all(b"\n").with_context(failed)?;
        }
        out.flush().with_context(failed)
    }
}
