//! What a run asks people, and how open calls are closed when it ends.

use runloom_domain::{
    Answer, Decision, InputRequest, RequestKind, ToolClass, ToolOrigin, arguments_digest,
};
use serde_json::Value;

use super::call::{Call, CallState};
use super::draft::Draft;
use super::tool_finished;
use crate::answer_schema::AnswerSchema;
use crate::port::tool::Question;

/// Gives every open call its one result: what will not run is cancelled, and of a started
/// call that must not happen twice nobody knows.
pub(super) fn close_calls(draft: &mut Draft<'_>) {
    for call in draft
        .state
        .calls
        .clone()
        .iter()
        .filter(|call| !call.is_done())
    {
        if let CallState::Settled(answer) = &call.state {
            // What a person has decided stays decided.
            answered(draft, call, answer);
            continue;
        }
        let class = draft.state.spec.tool(&call.name).map(|pin| pin.class);
        if call.starts > 0 && class == Some(ToolClass::Once) {
            let message = "the run ended while this call was under way".to_owned();
            draft.tool_error(call, "tool.outcome_unknown", message);
        } else {
            draft.tool_error(call, "tool.cancelled", "the run ended first".to_owned());
        }
    }
}

/// The most that the model is shown of a client's result, in bytes.
const MAX_SHOWN: usize = 64 * 1024;

/// The result that a person, or the client, has decided.
pub(super) fn answered(draft: &mut Draft<'_>, call: &Call, answer: &Answer) {
    let because = |what: &str| match &answer.reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what.to_owned(),
    };
    let pin = draft.state.spec.tool(&call.name);
    let is_client = pin.is_some_and(|pin| pin.origin == ToolOrigin::Client);
    let (class, message) = match answer.decision {
        Decision::Reject => ("tool.rejected", because("a person rejected this call")),
        Decision::Failed if is_client => {
            let reason = answer.reason.clone();
            ("tool.failed", reason.unwrap_or_default())
        }
        Decision::Failed => ("tool.failed", because("a person says that it failed")),
        _ => {
            let done = || "done; a person says that it took effect".to_owned();
            let content = answer.content.clone().unwrap_or_else(done);
            return tool_finished::output_of(draft, call, &content, 0, MAX_SHOWN, None);
        }
    };
    draft.tool_error(call, class, message);
}

/// May this call run? The answer is bound to these very arguments.
pub(super) fn approval(draft: &Draft<'_>, call: &Call) -> InputRequest {
    let options = ["approve", "reject"].map(str::to_owned).to_vec();
    InputRequest {
        prompt: format!("May the agent call {}?", call.name),
        options: Some(options),
        arguments_digest: Some(arguments_digest(&call.arguments)),
        ..about(draft, call, RequestKind::ToolApproval)
    }
}

/// The client runs this call.
pub(super) fn client_tool(draft: &Draft<'_>, call: &Call) -> InputRequest {
    InputRequest {
        prompt: format!("Run {} and bring its result.", call.name),
        ..about(draft, call, RequestKind::ClientTool)
    }
}

/// What a tool asks in the middle of its call.
pub(super) fn of_tool(draft: &Draft<'_>, call: &Call, question: &Question) -> InputRequest {
    InputRequest {
        prompt: question.prompt.clone(),
        schema: question.schema.clone(),
        asked_by_tool: true,
        ..about(draft, call, RequestKind::Question)
    }
}

/// A crash hid whether this call took effect.
pub(super) fn outcome_unknown(draft: &Draft<'_>, call: &Call) -> InputRequest {
    let options = ["retry", "done", "failed"].map(str::to_owned).to_vec();
    InputRequest {
        prompt: format!(
            "The call of {} was interrupted and may have taken effect. Run it again, or mark it \
             as done or failed?",
            call.name
        ),
        options: Some(options),
        ..about(draft, call, RequestKind::ToolOutcomeUnknown)
    }
}

/// The agent's own question, taken from the call's arguments. Nobody is asked when no answer
/// could be checked against its schema: the model is told, and can ask again.
pub(super) fn question(draft: &mut Draft<'_>, call: &Call) -> Option<InputRequest> {
    let schema = call
        .arguments
        .get("schema")
        .filter(|schema| demands(schema));
    if let Some(Err(why)) = schema.map(AnswerSchema::compile) {
        let message = format!("the schema of the answer can't be used: {why}");
        draft.tool_error(call, "tool.invalid_arguments", message);
        return None;
    }
    let text = |name: &str| {
        call.arguments
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let options = call
        .arguments
        .get("options")
        .and_then(Value::as_array)
        .map(|options| {
            options
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
    Some(InputRequest {
        prompt: text("question").unwrap_or_else(|| "The agent asks for input.".to_owned()),
        options: options.filter(|options| !options.is_empty()),
        schema: schema.cloned(),
        ..about(draft, call, RequestKind::Question)
    })
}

/// Models that want nothing of the answer also send null or an empty object.
fn demands(schema: &Value) -> bool {
    !schema.is_null() && schema.as_object().is_none_or(|schema| !schema.is_empty())
}

fn about(draft: &Draft<'_>, call: &Call, kind: RequestKind) -> InputRequest {
    InputRequest {
        request_id: (draft.cx.request_id)(),
        kind,
        tool_call_id: Some(call.id),
        tool_name: Some(call.name.clone()),
        arguments: Some(call.arguments.clone()),
        arguments_digest: None,
        prompt: String::new(),
        options: None,
        schema: None,
        asked_by_tool: false,
    }
}
