//! `spawn_agent`.

use std::sync::Arc;

use runloom_domain::event::RunShare;
use runloom_domain::{Limits, OrgId, RunId, RunSpec, SpawnedBy, ThreadId, Timestamp, ToolCallId};
use runloom_store::{Idempotency, KeyConflict, RunRecord, StoreError, StoredAnswer};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AGAIN, later};
use crate::driver::Owned;
use crate::facade::{StartError, StartRun};
use crate::machine::{Call, SPAWN_AGENT};
use crate::ops::start::Child;
use crate::port::tool::{ToolError, ToolReply};
use crate::shared::Shared;

/// The longest prompt, in bytes: as long as a message.
const MAX_PROMPT: usize = 32 * 1024;

/// A call, with what the child gets of its parent.
pub(crate) struct Spawn {
    shared: Arc<Shared>,
    org_id: OrgId,
    run_id: RunId,
    call: ToolCallId,
    child: RunId,
    attempt: u32,
    spec: Arc<RunSpec>,
    started_at: Timestamp,
    share: Option<RunShare>,
}

#[derive(Deserialize)]
struct Arguments {
    prompt: String,
    persona_id: Option<String>,
    name: Option<String>,
}

impl Spawn {
    pub(super) fn new(shared: &Arc<Shared>, run: &Owned, call: &Call) -> Self {
        Self {
            shared: shared.clone(),
            org_id: run.org_id,
            run_id: run.run_id,
            call: call.id,
            child: call.child(),
            attempt: call.starts,
            spec: run.state.spec.clone(),
            started_at: run.state.started_at,
            share: run.state.children.share(call.child()),
        }
    }

    pub(super) async fn call(self, arguments: Value) -> Result<ToolReply, ToolError> {
        let arguments: Arguments = serde_json::from_value(arguments)
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
        if arguments.prompt.len() > MAX_PROMPT {
            let message = format!("the prompt is longer than {MAX_PROMPT} bytes");
            return Err(ToolError::invalid_arguments(message));
        }
        match self.spawn(arguments).await {
            Ok(()) => Ok(self.answer().into()),
            Err(StartError::Store(error)) if error.is_transient() => later(&error, self.attempt),
            Err(StartError::Key(KeyConflict::InProgress)) => Ok(ToolReply::NotYet(AGAIN)),
            Err(error) => refused(&error, self.attempt),
        }
    }

    /// What the model is told, and a repeated creation is answered with.
    fn answer(&self) -> String {
        json!({ "run_id": self.child }).to_string()
    }

    async fn spawn(&self, arguments: Arguments) -> Result<(), StartError> {
        let gone = || StoreError::Unavailable("the engine is being stopped".into());
        let (Some(engine), Some(share)) = (self.shared.engine(), self.share) else {
            return Err(gone().into());
        };
        let store = &self.shared.parts.store;
        if store.head(self.org_id, self.child).await?.is_some() {
            // However long ago: keys are forgotten after a day, the run is not.
            return Ok(());
        }
        let parent = store.run(self.org_id, self.run_id).await?;
        let parent = parent.ok_or(StartError::NoParent)?;
        let child = self.child(&arguments, share);
        let start = self.start(arguments, parent);
        engine.start_child(start, child).await.map(drop)
    }

    /// What is asked for, on behalf of whom the parent works for.
    fn start(&self, arguments: Arguments, parent: RunRecord) -> StartRun {
        let thread = ThreadId::from_uuid(self.child.as_uuid());
        let (org, user) = (self.org_id, parent.created_by);
        let own = self.spec.persona.to_string();
        let asked = arguments.persona_id.filter(|asked| !asked.is_empty());
        StartRun {
            api_key_id: parent.api_key_id,
            persona_id: Some(asked.unwrap_or(own)),
            input: Some(arguments.prompt),
            metadata: parent.metadata,
            once: Some(Idempotency {
                principal: format!("run:{}", self.run_id),
                operation: SPAWN_AGENT.to_owned(),
                key: format!("{}/{}", self.run_id, self.call),
                // The key alone says which call it is.
                body_hash: [0; 32],
                answer: StoredAnswer {
                    status: 201,
                    body: self.answer(),
                },
            }),
            ..StartRun::new(org, user, thread, self.child, parent.trace_id)
        }
    }

    fn child(&self, arguments: &Arguments, share: RunShare) -> Child {
        let limits = &self.spec.limits;
        let age = self.shared.parts.clock.now().since(self.started_at);
        let left = limits.timeout_seconds.saturating_sub(age.as_secs());
        Child {
            parent: SpawnedBy {
                run_id: self.run_id,
                depth: self.spec.depth() + 1,
            },
            title: arguments.name.clone(),
            tools: self.spec.tools.clone(),
            http_allow: self.spec.http_allow.clone(),
            at_most: Limits {
                max_cost: share.cost,
                max_output_tokens: share.output_tokens,
                timeout_seconds: match limits.timeout_seconds {
                    0 => 0,
                    _ => left.max(1),
                },
                max_depth: limits.max_depth,
                max_children: limits.max_children,
                ..Limits::UNLIMITED
            },
        }
    }
}

/// Why no run is spawned, for the model.
fn refused(error: &StartError, attempt: u32) -> Result<ToolReply, ToolError> {
    let class = match error {
        StartError::NoPersona => {
            let message = "persona_id: there is no such persona, or not in this version";
            return Err(ToolError::invalid_arguments(message));
        }
        StartError::TooManyLive(_) => "limits.live_runs",
        StartError::NoCredit => "credits.exhausted",
        StartError::NoBudget(_) => "budget.exhausted",
        StartError::NoParent => "tool.cancelled",
        StartError::Catalog(_) | StartError::Source(_) => return later(error, attempt),
        StartError::Store(store) => {
            tracing::error!(error = %store, "a run can't be spawned");
            return Err(ToolError::failed("the server can't do this now"));
        }
        _ => "tool.failed",
    };
    Err(ToolError::new(class, error.to_string()))
}
