use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};

/// `effect_once`, `effect_keyed` and `effect_pure`: append the call's effect key to the ledger. Optional
/// arguments leave room for a crash: `before_ms` before the effect, `after_ms` after it.
#[derive(Clone, Debug)]
pub struct Effect {
    class: ToolClass,
    ledger: PathBuf,
}

impl Effect {
    /// The tool that must not happen twice.
    pub fn once(ledger: PathBuf) -> Self {
        Self {
            class: ToolClass::Once,
            ledger,
        }
    }

    /// The tool that may be called again with the same key.
    pub fn keyed(ledger: PathBuf) -> Self {
        Self {
            class: ToolClass::Keyed,
            ledger,
        }
    }

    /// The tool whose effect may be repeated; it is counted all the same.
    pub fn pure(ledger: PathBuf) -> Self {
        Self {
            class: ToolClass::Pure,
            ledger,
        }
    }

    fn name(&self) -> &'static str {
        match self.class {
            ToolClass::Keyed => "effect_keyed",
            ToolClass::Once => "effect_once",
            ToolClass::Pure => "effect_pure",
        }
    }
}

#[async_trait]
impl Tool for Effect {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: self.name().to_owned(),
            description: "Have an effect that can be counted.".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "before_ms": {"type": "integer", "description": "Wait before the effect."},
                    "after_ms": {"type": "integer", "description": "Wait after the effect."},
                },
                "required": [],
            }),
        }
    }

    fn class(&self) -> ToolClass {
        self.class
    }

    async fn call(&self, context: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let pause = |name: &str| {
            let millis = arguments[name].as_u64().unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(millis))
        };
        pause("before_ms").await;
        let key = context.effect_key();
        append(&self.ledger, &key)
            .map_err(|error| ToolError::failed(format!("the ledger can't be written: {error}")))?;
        pause("after_ms").await;
        Ok(key.into())
    }
}

/// Adds a line in one write, so that lines of several processes never mix. It is in the page
/// cache then, which outlives the process.
fn append(ledger: &Path, line: &str) -> std::io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(ledger)?
        .write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_context::{context, error_of};

    #[tokio::test(start_paused = true)]
    async fn each_call_leaves_a_line_with_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger");
        let (once, keyed) = (Effect::once(ledger.clone()), Effect::keyed(ledger.clone()));
        assert_eq!(once.definition().name, "effect_once");
        assert_eq!(keyed.definition().name, "effect_keyed");
        assert_eq!(
            Effect::pure(ledger.clone()).definition().name,
            "effect_pure"
        );
        let context = context();
        for tool in [&once, &keyed] {
            let told = tool.call(context.clone(), json!({"after_ms": 5})).await;
            assert_eq!(told.unwrap(), context.effect_key().into());
        }
        let lines = std::fs::read_to_string(&ledger).unwrap();
        let expected = format!("{0}\n{0}\n", context.effect_key());
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn a_dropped_call_has_no_effect_before_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger");
        let tool = Effect::once(ledger.clone());
        let call = tool.call(context(), json!({"before_ms": 60_000}));
        tokio::select! {
            biased;
            _ = call => unreachable!("it waits for a minute"),
            () = std::future::ready(()) => {}
        }
        assert!(!ledger.exists());
        let nowhere = Effect::once(dir.path().join("no/where"));
        error_of(nowhere.call(context(), json!({})).await);
    }
}
