use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};

/// `sleep`: takes `seconds`, and stops at once when its call is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sleep;

#[async_trait]
impl Tool for Sleep {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "sleep".to_owned(),
            description: "Wait for a number of seconds.".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {"seconds": {"type": "number"}},
                "required": ["seconds"],
            }),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Pure
    }

    async fn call(&self, _: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let duration = arguments["seconds"]
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| ToolError::invalid_arguments("seconds must be a number"))?;
        tokio::time::sleep(duration).await;
        Ok(format!("slept {} s", duration.as_secs_f64()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_context::{call, error_of};

    #[tokio::test(start_paused = true)]
    async fn takes_its_time() {
        let begun = tokio::time::Instant::now();
        let told = call(&Sleep, json!({"seconds": 1.5})).await.unwrap();
        assert_eq!(told, "slept 1.5 s");
        assert_eq!(begun.elapsed(), Duration::from_millis(1_500));
        error_of(call(&Sleep, json!({"seconds": -1})).await);
    }
}
