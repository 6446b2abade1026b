use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};

/// `block`: holds on to its thread for `millis`, and so can't be stopped by dropping its call,
/// as no tool should.
#[derive(Clone, Copy, Debug, Default)]
pub struct Block;

#[async_trait]
impl Tool for Block {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "block".to_owned(),
            description: "Wait and let nobody stop it.".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {"millis": {"type": "integer", "minimum": 0}},
                "required": ["millis"],
            }),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Pure
    }

    async fn call(&self, _: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let millis = arguments["millis"]
            .as_u64()
            .ok_or_else(|| ToolError::invalid_arguments("millis must be a number"))?;
        std::thread::sleep(Duration::from_millis(millis));
        Ok(format!("blocked {millis} ms").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_context::{call, error_of};

    #[tokio::test]
    async fn takes_its_time() {
        let begun = std::time::Instant::now();
        let told = call(&Block, json!({"millis": 20})).await.unwrap();
        assert_eq!(told, "blocked 20 ms");
        assert!(begun.elapsed() >= Duration::from_millis(20));
        error_of(call(&Block, json!({})).await);
    }
}
