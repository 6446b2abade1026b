use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream;
use runloom_domain::event::FinishReason;
use runloom_domain::{OrgId, RunId, ToolCallId, ToolClass, ToolDefinition};
use runloom_engine::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest, ModelStream};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What models wait for; a test opens it.
pub(crate) type Gate = Arc<Semaphore>;

/// A model whose name says what it does.
pub(crate) struct Model {
    pub(crate) gate: Gate,
}

#[async_trait]
impl ModelPort for Model {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let gate = self.gate.clone();
        let answered = request
            .messages
            .last()
            .is_some_and(|message| message.body.role() == runloom_domain::Role::Tool);
        let end = |reason| {
            stream::iter([Ok(ModelEvent::Finished {
                reason,
                provider: None,
            })])
        };
        let words = |words: &[&str]| {
            let words: Vec<_> = words
                .iter()
                .map(|word| Ok(ModelEvent::Text((*word).to_owned())))
                .collect();
            stream::iter(words)
        };
        Ok(match request.route.model.as_str() {
            "asks" if !answered => {
                let call = ModelEvent::ToolCall {
                    provider_id: "call_0".into(),
                    name: "erase".into(),
                    arguments: json!({"what": "all"}).to_string(),
                };
                stream::iter([Ok(call)])
                    .chain(end(FinishReason::ToolCalls))
                    .boxed()
            }
            "holds" => words(&["first"])
                .chain(stream::once(async move {
                    gate.acquire().await.expect("the gate stays").forget();
                    Ok(ModelEvent::Text(" last".into()))
                }))
                .chain(end(FinishReason::Stop))
                .boxed(),
            "fails" => {
                return Err(ModelError::new(
                    runloom_engine::port::model::ModelErrorKind::Unauthorized,
                    "no such key",
                ));
            }
            _ => words(&["one", " two"])
                .chain(end(FinishReason::Stop))
                .boxed(),
        })
    }
}

/// A tool that needs approval.
pub(crate) struct Erase;

#[async_trait]
impl Tool for Erase {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "erase".into(),
            description: "Erases.".into(),
            schema: json!({"type": "object"}),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Once
    }

    fn output_cap(&self) -> usize {
        1_000
    }

    async fn call(&self, context: ToolContext, _: Value) -> Result<ToolReply, ToolError> {
        let _: (OrgId, RunId, ToolCallId) = (context.org_id, context.run_id, context.tool_call_id);
        Ok("x".repeat(3_000).into())
    }
}
