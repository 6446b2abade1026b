use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};

/// `ask_user`: puts a question to a person. The engine asks it and gives the answer as the
/// call's result, so the tool itself is never run.
#[derive(Clone, Copy, Debug, Default)]
pub struct AskUser;

#[async_trait]
impl Tool for AskUser {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "ask_user".to_owned(),
            description: "Ask the user a question and wait for the answer. Use it when you \
                need information or a decision that only the user can give."
                .to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "question": {
                        "type": "string",
                        "description": "The question, in one or two sentences.",
                    },
                    "options": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Answers to choose from, if there are a few.",
                    },
                    "schema": {
                        "type": "object",
                        "description": "JSON schema of the answer, if it must be JSON. Without $ref.",
                    },
                },
                "required": ["question"],
            }),
        }
    }

    /// Asking again after a crash changes nothing.
    fn class(&self) -> ToolClass {
        ToolClass::Pure
    }

    fn asks(&self) -> bool {
        true
    }

    async fn call(&self, _: ToolContext, _: Value) -> Result<ToolReply, ToolError> {
        Err(ToolError::failed("only a person can answer a question"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_question_with_one_required_property() {
        assert!(AskUser.asks());
        let definition = AskUser.definition();
        assert_eq!(definition.schema["required"], json!(["question"]));
        for property in ["question", "options", "schema"] {
            assert!(definition.schema["properties"].get(property).is_some());
        }
    }
}
