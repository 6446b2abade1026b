//! What this process knows of the tools that runs have pinned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use runloom_domain::{OrgId, ToolDefinition, ToolPin};
use runloom_store::{RunStore, StoreError};
use serde_json::Value;

use crate::argument_schema::ArgumentSchema;

/// How many definitions are kept, and how much JSON they may be together, in bytes; beyond that
/// all are forgotten and read again when needed.
const MAX_KNOWN: usize = 4_096;
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Definitions by hash, read once.
#[derive(Default)]
pub(crate) struct Definitions(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_hash: HashMap<String, Arc<Known>>,
    /// How much JSON they are together.
    bytes: usize,
}

/// A definition, with its schema once that was needed.
struct Known {
    definition: ToolDefinition,
    arguments: OnceLock<Option<ArgumentSchema>>,
}

/// The definitions that one run has pinned: one that outlives a change of its tools still shows
/// the model those it began with.
#[derive(Clone, Default)]
pub(crate) struct Pinned(Vec<(String, Arc<Known>)>);

impl Definitions {
    /// What a run's pins stand for.
    pub(crate) async fn pinned(
        &self,
        store: &dyn RunStore,
        org: OrgId,
        pins: &[ToolPin],
    ) -> Result<Pinned, StoreError> {
        let mut found = self.known(pins);
        let missing: Vec<_> = pins
            .iter()
            .filter(|pin| !found.contains_key(&pin.hash))
            .map(|pin| pin.hash.clone())
            .collect();
        if !missing.is_empty() {
            for content in store.contents(org, missing).await? {
                let definition =
                    serde_json::from_str(&content.body).map_err(|source| StoreError::Corrupt {
                        table: "contents",
                        column: "body",
                        key: content.hash.clone(),
                        source: Box::new(source),
                    })?;
                let known = Arc::new(Known {
                    definition,
                    arguments: OnceLock::new(),
                });
                self.keep(content.hash.clone(), content.body.len(), known.clone());
                found.insert(content.hash, known);
            }
        }
        let of = |pin: &ToolPin| Some((pin.name.clone(), found.get(&pin.hash)?.clone()));
        Ok(Pinned(pins.iter().filter_map(of).collect()))
    }

    fn known(&self, pins: &[ToolPin]) -> HashMap<String, Arc<Known>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |pin: &ToolPin| Some((pin.hash.clone(), known.by_hash.get(&pin.hash)?.clone()));
        pins.iter().filter_map(of).collect()
    }

    fn keep(&self, hash: String, bytes: usize, definition: Arc<Known>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.by_hash.len() >= MAX_KNOWN || known.bytes + bytes > MAX_BYTES {
            *known = Kept::default();
        }
        if known.by_hash.insert(hash, definition).is_none() {
            known.bytes += bytes;
        }
    }
}

impl Pinned {
    /// The definitions, in the order of the pins.
    pub(crate) fn definitions(&self) -> Vec<ToolDefinition> {
        let known = self.0.iter().map(|(_, known)| &known.definition);
        known.cloned().collect()
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a call's arguments fit the tool's schema; else what doesn't. A schema that can't
    /// be used keeps no call from running: the tool looks for itself.
    pub(crate) fn check(&self, pin: &ToolPin, arguments: &Value) -> Result<(), String> {
        let known = self.0.iter().find(|(name, _)| *name == pin.name);
        let Some((_, known)) = known else {
            return Ok(());
        };
        let schema = known.arguments.get_or_init(|| {
            let schema = ArgumentSchema::compile(&known.definition.schema);
            let warn = |why: &String| {
                tracing::warn!(
                    tool = pin.name,
                    hash = pin.hash,
                    why,
                    "a schema can't be used"
                );
            };
            schema.inspect_err(warn).ok()
        });
        schema
            .as_ref()
            .map_or(Ok(()), |schema| schema.check(arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_a_size() {
        let definitions = Definitions::default();
        for number in 0..100 {
            let known = Known {
                definition: ToolDefinition {
                    name: "a".to_owned(),
                    description: String::new(),
                    schema: Value::Null,
                },
                arguments: OnceLock::new(),
            };
            definitions.keep(number.to_string(), MAX_BYTES / 10, Arc::new(known));
            let kept = definitions.0.lock().unwrap();
            assert!(kept.bytes <= MAX_BYTES && kept.by_hash.len() <= 10);
            assert!(kept.by_hash.contains_key(&number.to_string()));
        }
    }
}
