use runloom_domain::{ToolClass, ToolDefinition};
use serde_json::json;

use crate::machine::{SPAWN_AGENT, WAIT_AGENTS};

/// One of the tools as the model sees it, and what a crash in mid-call means.
pub(crate) fn definition(name: &str) -> (ToolDefinition, ToolClass) {
    if name == SPAWN_AGENT {
        (spawn(), ToolClass::Keyed)
    } else {
        (wait(), ToolClass::Pure)
    }
}

fn spawn() -> ToolDefinition {
    ToolDefinition {
        name: SPAWN_AGENT.to_owned(),
        description: "Start another agent on a task and go on at once. It sees nothing of this \
            conversation, so the prompt must say all that it needs to know. Returns its run_id; \
            wait_agents gets its answer."
            .to_owned(),
        schema: json!({
            "type": "object",
            "properties": {
                "prompt": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The whole task.",
                },
                "persona_id": {
                    "type": "string",
                    "description": "Which kind of agent. Leave it out for one like you.",
                },
                "name": {
                    "type": "string",
                    "maxLength": 200,
                    "description": "A short name for it.",
                },
                "max_cost_usd": {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "description": "The most that it may cost, in dollars.",
                },
            },
            "required": ["prompt"],
        }),
    }
}

fn wait() -> ToolDefinition {
    ToolDefinition {
        name: WAIT_AGENTS.to_owned(),
        description: "Wait until agents that you have started have ended, and get their answers."
            .to_owned(),
        schema: json!({
            "type": "object",
            "properties": {
                "run_ids": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Which of them. Leave it out for all.",
                },
            },
        }),
    }
}
