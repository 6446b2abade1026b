//! What all runs of this node share.

use std::sync::{Arc, OnceLock, Weak};

use runloom_domain::{NodeId, OrgId, ToolPin};
use runloom_store::StoreError;

use crate::Engine;
use crate::cluster::{Tails, Teller};
use crate::definitions::{Definitions, Pinned};
use crate::engine::{EngineConfig, EngineParts};
use crate::gate::Gates;
use crate::lease::Lease;
use crate::live::Rings;
use crate::metrics::Metrics;
use crate::port::tool::{Tool, ToolError};
use crate::worker::Worker;
use crate::writer::Writer;

/// What all runs of this node share.
pub(crate) struct Shared {
    pub(crate) node: NodeId,
    pub(crate) parts: EngineParts,
    pub(crate) config: EngineConfig,
    pub(crate) rings: Rings,
    pub(crate) teller: Teller,
    pub(crate) tails: Tails,
    pub(crate) writer: Writer,
    pub(crate) lease: Lease,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gates: Arc<Gates>,
    definitions: Definitions,
    worker: OnceLock<Weak<Worker>>,
}

impl Shared {
    pub(crate) fn new(parts: EngineParts, config: EngineConfig) -> Self {
        let rings = Rings::default();
        let made = || NodeId::generate(parts.clock.now());
        let node = config.node.unwrap_or_else(made);
        let metrics = Arc::new(Metrics::new());
        let teller = Teller::new(parts.signals.clone(), metrics.clone());
        Self {
            node,
            writer: Writer::start(
                parts.store.clone(),
                rings.clone(),
                teller.clone(),
                metrics.clone(),
            ),
            tails: Tails::new(rings.clone()),
            teller,
            rings,
            lease: Lease::default(),
            metrics,
            gates: Arc::default(),
            definitions: Definitions::default(),
            worker: OnceLock::new(),
            parts,
            config,
        }
    }

    /// The node's worker is there.
    pub(crate) fn has_worker(&self, worker: &Arc<Worker>) {
        // There is one, and it says so once.
        let _ = self.worker.set(Arc::downgrade(worker));
    }

    /// The handle of the engine that this is part of, as long as somebody holds it.
    pub(crate) fn engine(self: &Arc<Self>) -> Option<Engine> {
        Some(Engine {
            shared: self.clone(),
            worker: self.worker.get()?.upgrade()?,
        })
    }

    /// The definitions that a run has pinned.
    pub(crate) async fn pinned(&self, org: OrgId, pins: &[ToolPin]) -> Result<Pinned, StoreError> {
        let store = &*self.parts.store;
        self.definitions.pinned(store, org, pins).await
    }

    /// The tool that a run has pinned, or what the model is told instead.
    pub(crate) async fn open_tool(
        &self,
        org: OrgId,
        pin: &ToolPin,
    ) -> Result<Arc<dyn Tool>, ToolError> {
        for source in &self.parts.sources {
            match source.open(org, pin).await {
                Err(error) if error.class == ToolError::UNAVAILABLE => {}
                found => return found,
            }
        }
        let message = format!("{} is not available on this server", pin.name);
        Err(ToolError::unavailable(message))
    }
}

/// Random bits, for jitter.
pub(crate) fn random_u32() -> u32 {
    // Without randomness the jitter is gone, which is no reason to stop.
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
