use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{Clock, CreditRate, NanoUsd, NodeId};
use runloom_store::{LiveLimits, RunStore, Signals, StoreError};

use crate::port::catalog::Catalog;
use crate::port::model::ModelPort;
use crate::port::tool::{ToolBox, ToolSource};
use crate::shared::Shared;
use crate::worker::Worker;

/// What the engine is made of.
#[derive(Clone)]
pub struct EngineParts {
    /// Where runs live.
    pub store: Arc<dyn RunStore>,
    /// Speaks to models.
    pub models: Arc<dyn ModelPort>,
    /// What models may call of this process's own tools.
    pub tools: ToolBox,
    /// Where models may call others.
    pub sources: Vec<Arc<dyn ToolSource>>,
    /// Personas and routes.
    pub catalog: Arc<dyn Catalog>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The other nodes that share the store; `None` when this engine is the only one that
    /// writes to it.
    pub signals: Option<Arc<dyn Signals>>,
}

/// How the engine behaves.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The node's id, when the host keeps track of it; else the engine makes one. Never that
    /// of another engine, dead or alive.
    pub node: Option<NodeId>,
    /// Runs that this node works on at once; more wait in the store.
    pub max_runs: usize,
    /// Runs that may be live at once.
    pub max_live_runs: LiveLimits,
    /// Runs that may wait in one thread.
    pub max_queued_per_thread: u32,
    /// How often free runs are looked for when nothing wakes the worker.
    pub scan_every: Duration,
    /// How often owned runs are checked for cancel requests of other nodes.
    pub poll_every: Duration,
    /// How often runs are looked for that have outlived the runs that spawned them.
    pub sweep_every: Duration,
    /// How often this node's runs are checked for ones that stand still.
    pub watch_every: Duration,
    /// How much later than its limits allow a run may go on before it counts as standing still.
    pub watch_slack: Duration,
    /// Credits per dollar.
    pub credit_rate: CreditRate,
    /// Whether runs need credits of their organisation, unless it has a rule of its own.
    pub metered: bool,
    /// What a run without a limit on its cost reserves at a time, where credits or budgets limit
    /// it: as much as a step may cost.
    pub reserve_cost: NanoUsd,
    /// Tokens of input and output that a run reserves at a time, where a budget limits them: as
    /// many as a step may take.
    pub reserve_tokens: u64,
    /// Tool calls that one run may have under way at once.
    pub max_parallel_tools: usize,
    /// Messages of a thread's history that a model is shown at most.
    pub max_history: u32,
    /// Bytes of that history that a model is shown at most: text, calls and what providers want
    /// back. Older messages are left out, never half a step, nor the question at hand and the
    /// newest step, whatever they take.
    pub max_history_bytes: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            node: None,
            max_runs: 10_000,
            max_live_runs: LiveLimits::default(),
            max_queued_per_thread: 10,
            scan_every: Duration::from_secs(1),
            poll_every: Duration::from_millis(500),
            sweep_every: Duration::from_secs(2),
            watch_every: Duration::from_secs(10),
            watch_slack: Duration::from_secs(30),
            credit_rate: CreditRate::default(),
            metered: false,
            reserve_cost: NanoUsd::from_nanos(250_000_000),
            reserve_tokens: 200_000,
            max_parallel_tools: 8,
            max_history: 2_000,
            // About a million tokens, which is what the largest models take.
            max_history_bytes: 4 * 1024 * 1024,
        }
    }
}

/// The handle to a running engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) worker: Arc<Worker>,
}

impl Engine {
    /// Starts the engine's tasks on the current tokio runtime, which must be multi-threaded:
    /// takes the node's lease and goes on with runs that are due.
    pub async fn start(parts: EngineParts, config: EngineConfig) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::new(parts, config));
        let worker = Worker::start(shared.clone()).await?;
        Ok(Self { shared, worker })
    }

    /// Stops cleanly: no new claims; runs stop at their next step boundary, those that
    /// haven't reached one within `grace` at once; then other nodes take them. Returns when
    /// all is quiet. Runs created after this is called wait in the store.
    pub async fn drain(&self, grace: Duration) {
        self.worker.drain(grace).await;
    }
}
