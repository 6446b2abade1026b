use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{InputAction, Question, Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};

/// The time between two reports.
const BETWEEN: Duration = Duration::from_millis(50);

/// `staged`: reports progress `reports` times, then has nothing to say `rests` times, then asks a
/// person if `asks`, then tells what they said and how often it was called. It may be silent for
/// a second, and take ten.
#[derive(Clone, Copy, Debug, Default)]
pub struct Staged;

#[async_trait]
impl Tool for Staged {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "staged".to_owned(),
            description: "Take several calls.".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "reports": {"type": "integer", "minimum": 0},
                    "rests": {"type": "integer", "minimum": 0},
                    "asks": {"type": "boolean"},
                },
            }),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Once
    }

    fn waits(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn longest(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn call(&self, context: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let reports = arguments["reports"].as_u64().unwrap_or(0);
        for done in 1..=reports {
            tokio::time::sleep(BETWEEN).await;
            let (done, total) = (done as f64, reports as f64);
            context
                .progress
                .report(done, Some(total), Some("on it".to_owned()));
        }
        let rests = arguments["rests"].as_u64().unwrap_or(0);
        if u64::from(context.attempt) <= rests {
            return Ok(ToolReply::NotYet(Duration::from_millis(200)));
        }
        let said = match context.input.map(|input| input.action) {
            None if arguments["asks"] == true => {
                return Ok(ToolReply::NeedsInput(Box::new(Question {
                    prompt: "What is your name?".to_owned(),
                    schema: Some(json!({
                        "type": "object",
                        "properties": {"name": {"type": "string"}},
                        "required": ["name"],
                    })),
                    state: Value::Null,
                })));
            }
            None => "nothing was asked".to_owned(),
            Some(InputAction::Accept(value)) => value["name"].as_str().unwrap_or("?").to_owned(),
            Some(InputAction::Decline) => "they declined".to_owned(),
            Some(InputAction::Cancel) => "they gave up".to_owned(),
        };
        Ok(format!("{said}, after {} calls", context.attempt).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_context::{call, context};

    #[tokio::test(start_paused = true)]
    async fn asks_only_when_it_shall() {
        let told = call(&Staged, json!({"reports": 2})).await.unwrap();
        assert_eq!(told, "nothing was asked, after 1 calls");
        let asks = Staged.call(context(), json!({"asks": true})).await.unwrap();
        assert!(matches!(asks, ToolReply::NeedsInput(_)));
        let rests = Staged.call(context(), json!({"rests": 1})).await.unwrap();
        assert!(matches!(rests, ToolReply::NotYet(_)));
    }
}
