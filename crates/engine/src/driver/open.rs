//! Opening a model call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::StreamExt as _;
use futures_util::{FutureExt as _, TryStreamExt as _};
use runloom_domain::event::CallPurpose;
use runloom_domain::{Generation, Message, Route, ToolDefinition, Usage};
use runloom_store::{Remaining, StoreError};
use tokio::time::Instant;

use super::bound::silence;
use super::call::LiveCall;
use super::{Owned, budget, history, window};
use crate::gate::Gates;
use crate::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest, ModelStream};
use crate::shared::Shared;

/// Which call of a run it is.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) step: u32,
    pub(super) attempt: u32,
    /// What for, when it isn't for the answer. Clients don't see the text then.
    pub(super) purpose: Option<CallPurpose>,
}

/// What is known of a model call before it is made.
pub(super) struct Terms {
    pub(super) at: At,
    pub(super) route_id: String,
    /// Bytes of all that is sent.
    pub(super) input_bytes: usize,
    /// To how many bytes the messages among them can be cut, if at all.
    pub(super) shorter: Option<u64>,
    /// The most output tokens that the answer may have.
    pub(super) budget: Option<u64>,
    /// Whether the provider stops there by itself.
    pub(super) is_bound_by_budget: bool,
    /// How long the provider may be silent before the adapter notices.
    pub(super) silence: Option<Duration>,
    /// How long the try may take in all; zero is for ever.
    pub(super) total: Duration,
}

/// How far the call has come.
#[derive(Default)]
pub(super) struct Passage {
    /// When the provider was called, once it has been.
    pub(super) called: OnceLock<Instant>,
    /// Whether the provider has taken the request: a call that it refused costs nothing.
    accepted: AtomicBool,
}

impl Passage {
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }
}

/// Opens the call with what the run sees of its thread. The connection is made when the stream
/// is first polled, so that a cancel request can break it off at any time.
pub(super) async fn open(
    shared: &Shared,
    run: &mut Owned,
    at: At,
    route: Route,
    messages: Vec<Message>,
) -> Result<LiveCall, StoreError> {
    let spec = &run.state.spec;
    let asked = Asked {
        prompt: spec.prompt.clone(),
        tools: shared.pinned(run.org_id, &spec.tools).await?.definitions(),
        generation: spec.generation.clone(),
        messages,
    };
    let granted = granted(shared, run).await?;
    Ok(ask(shared, run, at, route, asked, granted))
}

/// What the run may use of the credits and budgets that it shares with others.
pub(super) async fn granted(shared: &Shared, run: &mut Owned) -> Result<Remaining, StoreError> {
    if !run.state.spec.budgeted {
        return Ok(Remaining::default());
    }
    // What its creation has said holds until something is spent: once.
    if let Some(granted) = run.granted.take() {
        return Ok(granted);
    }
    shared.parts.store.remaining(run.org_id, run.run_id).await
}

/// What a model is asked.
pub(super) struct Asked {
    pub(super) prompt: String,
    pub(super) messages: Vec<Message>,
    pub(super) tools: Vec<ToolDefinition>,
    pub(super) generation: Generation,
}

/// Opens the call within what is left to the run.
pub(super) fn ask(
    shared: &Shared,
    run: &Owned,
    at: At,
    route: Route,
    asked: Asked,
    granted: Remaining,
) -> LiveCall {
    let spec = &run.state.spec;
    let sent: usize = asked.messages.iter().map(history::size).sum();
    let input_bytes = asked.prompt.len() + sent;
    let own = budget::own(&spec.limits, &run.state.spent());
    let budget = budget::output_tokens(own, granted, route.prices.as_ref(), input_bytes);
    let max_output_tokens = route.max_output_tokens.into_iter().chain(budget).min();
    let terms = Terms {
        at,
        route_id: route.route_id.clone(),
        input_bytes,
        shorter: window::shorter(run.run_id, &asked.messages),
        budget,
        // The provider's own limit comes first when the route has a tighter one.
        is_bound_by_budget: budget.is_some() && max_output_tokens == budget,
        silence: silence(&route.timeouts),
        total: Duration::from_millis(route.timeouts.total_ms),
    };
    let request = ModelRequest {
        org_id: run.org_id,
        run_id: run.run_id,
        step: at.step,
        attempt: at.attempt,
        route,
        prompt: asked.prompt,
        messages: asked.messages,
        tools: asked.tools,
        generation: asked.generation,
        max_output_tokens,
    };
    let passage = Arc::new(Passage::default());
    let stream = if budget == Some(0) {
        // Not even the question can be paid.
        futures_util::stream::once(async { Err(budget::exhausted(0)) }).boxed()
    } else {
        let (gates, models) = (shared.gates.clone(), shared.parts.models.clone());
        call(gates, models, request, input_bytes, passage.clone())
            .into_stream()
            .try_flatten()
            .boxed()
    };
    LiveCall::new(stream, terms, passage)
}

/// Waits for a place, calls, and keeps the place as long as the stream lasts.
async fn call(
    gates: Arc<Gates>,
    models: Arc<dyn ModelPort>,
    request: ModelRequest,
    input_bytes: usize,
    passage: Arc<Passage>,
) -> Result<ModelStream, ModelError> {
    let input_tokens = Usage::estimated(input_bytes, 0).tokens.input_tokens();
    let permit = gates
        .admit(request.org_id, &request.route, input_tokens)
        .await?;
    let _ = passage.called.set(Instant::now());
    let stream = models.call(request).await;
    let stream = stream.inspect_err(|error| permit.refused(error))?;
    permit.accepted();
    passage.accepted.store(true, Ordering::Relaxed);
    let kept = stream.inspect(move |event| {
        if let Ok(ModelEvent::Usage(usage)) = event {
            permit.used(usage.tokens.output_tokens);
        }
    });
    Ok(kept.boxed())
}
