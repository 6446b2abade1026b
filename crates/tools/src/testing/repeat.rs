use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};

/// `repeat`: gives `text` back, `times` times over, for results of any size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repeat;

#[async_trait]
impl Tool for Repeat {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "repeat".to_owned(),
            description: "Say a text many times.".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "times": {"type": "integer", "minimum": 0},
                },
                "required": ["text", "times"],
            }),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Pure
    }

    async fn call(&self, _: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let text = arguments["text"].as_str();
        let times = arguments["times"].as_u64();
        text.zip(times.and_then(|times| usize::try_from(times).ok()))
            .map(|(text, times)| text.repeat(times).into())
            .ok_or_else(|| ToolError::invalid_arguments("text and times are needed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_context::{call, error_of};

    #[tokio::test]
    async fn says_it_again() {
        let told = call(&Repeat, json!({"text": "é", "times": 3})).await;
        assert_eq!(told.unwrap(), "ééé");
        error_of(call(&Repeat, json!({"text": "é", "times": -1})).await);
    }
}
