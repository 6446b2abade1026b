//! What all runs of this node share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use runloom_domain::{NodeId, OrgId, ToolDefinition, ToolPin};
use runloom_store::StoreError;

use crate::cluster::{Tails, Teller};
use crate::engine::{EngineConfig, EngineParts};
use crate::gate::Gates;
use crate::lease::Lease;
use crate::live::Rings;
use crate::metrics::Metrics;
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
    definitions: Mutex<HashMap<String, ToolDefinition>>,
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
            definitions: Mutex::default(),
            parts,
            config,
        }
    }

    /// The definitions that a run has pinned, by hash: a run that outlives a change of its
    /// tools still shows the model those it began with.
    pub(crate) async fn definitions(
        &self,
        org: OrgId,
        pins: &[ToolPin],
    ) -> Result<Vec<ToolDefinition>, StoreError> {
        let missing: Vec<_> = {
            let known = self
                .definitions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            pins.iter()
                .filter(|p| !known.contains_key(&p.hash))
                .map(|p| p.hash.clone())
                .collect()
        };
        if !missing.is_empty() {
            let contents = self.parts.store.contents(org, missing).await?;
            let mut known = self
                .definitions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for content in contents {
                let definition =
                    serde_json::from_str(&content.body).map_err(|source| StoreError::Corrupt {
                        table: "contents",
                        column: "body",
                        key: content.hash.clone(),
                        source: Box::new(source),
                    })?;
                known.insert(content.hash, definition);
            }
        }
        let known = self
            .definitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(pins
            .iter()
            .filter_map(|pin| known.get(&pin.hash).cloned())
            .collect())
    }
}

/// Random bits, for jitter.
pub(crate) fn random_u32() -> u32 {
    // Without randomness the jitter is gone, which is no reason to stop.
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
