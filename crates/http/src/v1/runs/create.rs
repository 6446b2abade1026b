use std::time::Duration;

use runloom_accounts::Caller;
use runloom_domain::{LimitOverrides, NanoUsd, RunId, ThreadId, ToolDefinition};
use runloom_engine::{StartError, StartRun, StartedRun, WhenBusy};
use runloom_store::{LiveScope, Rewind};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{CreatedRun, sight};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Access, Answer, Body, Call, Fields, RunsWrite, Size};
use crate::limits;
use crate::v1::messages::CONTENT;
use crate::v1::params::OnceParams;
use crate::v1::threads::{self, MAX_METADATA};

/// A run to be started. The body may be left out.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewRunBody {
    /// The provider route, which selects the model; the default route when absent.
    #[schema(max_length = 200)]
    route_id: Option<String>,
    /// `key@version`, or `key` for its newest version; the default persona when absent.
    #[schema(max_length = 200)]
    persona_id: Option<String>,
    /// What to do when the thread has a run that hasn't ended.
    #[schema(default = "reject")]
    on_busy: Option<OnBusy>,
    /// A user message that is posted with the run: at most 256 KB.
    #[schema(min_length = 1, max_length = 262_144)]
    input: Option<String>,
    /// Kept for the client: at most 16 KB of JSON.
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
    limits: Option<LimitsBody>,
    /// Tools that the client itself runs: at most 64, of 64 KiB in all. A call of one makes the
    /// run wait for the result, with kind `client_tool`.
    #[schema(max_items = 64)]
    tools: Option<Vec<ClientTool>>,
}

/// What to do when the thread has a run that hasn't ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
enum OnBusy {
    /// 409.
    Reject,
    /// Wait for its end.
    Enqueue,
    /// Cancel it and wait for its end.
    Interrupt,
}

/// Limits, each at most what the persona allows.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct LimitsBody {
    #[schema(minimum = 1)]
    max_steps: Option<u32>,
    #[schema(minimum = 1)]
    max_output_tokens: Option<u64>,
    #[schema(minimum = 0.000_000_001, maximum = 9_223_372_036i64)]
    max_cost_usd: Option<f64>,
    #[schema(minimum = 1, maximum = 3_153_600_000i64)]
    timeout_seconds: Option<u64>,
}

/// What a request wants of a run.
#[derive(Clone, Default)]
pub(crate) struct Wish {
    route_id: Option<String>,
    persona_id: Option<String>,
    when_busy: WhenBusy,
    input: Option<String>,
    metadata: Option<String>,
    limits: LimitOverrides,
    rewind: Option<Rewind>,
    tools: Vec<ToolDefinition>,
}

/// When a refused run may be tried again: runs take seconds.
const RETRY_FULL: Duration = Duration::from_secs(5);
/// The longest route id and persona id that are worth looking up; names are shorter.
const REFERENCE: Size = Size::Chars(0, 200);

impl Wish {
    /// What starting a run and running again have in common.
    pub(crate) fn common(fields: &mut Fields) -> Self {
        Self {
            route_id: fields.optional_text("route_id", REFERENCE),
            persona_id: fields
                .optional_text("persona_id", REFERENCE)
                .filter(|persona| !persona.is_empty()),
            metadata: fields.object("metadata", MAX_METADATA),
            limits: fields.nested("limits", limits),
            ..Self::default()
        }
    }

    /// The same after going back in the thread.
    pub(crate) fn after(&self, rewind: Rewind) -> Self {
        Self {
            rewind: Some(rewind),
            ..self.clone()
        }
    }
}

impl Body for Wish {
    fn from_fields(fields: &mut Fields) -> Self {
        let words = [
            ("reject", WhenBusy::Reject),
            ("enqueue", WhenBusy::Enqueue),
            ("interrupt", WhenBusy::Interrupt),
        ];
        Self {
            when_busy: fields.word("on_busy", &words).unwrap_or_default(),
            input: fields.optional_text("input", CONTENT),
            tools: client_tools(fields),
            ..Self::common(fields)
        }
    }
}

/// How to run a message again. The body may be left out.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct AgainBody {
    /// As when a run is started.
    #[schema(max_length = 200)]
    route_id: Option<String>,
    /// As when a run is started.
    #[schema(max_length = 200)]
    persona_id: Option<String>,
    /// As when a run is started.
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
    limits: Option<LimitsBody>,
}

/// What running again may ask for.
pub(crate) struct Again(pub(crate) Wish);

impl Body for Again {
    fn from_fields(fields: &mut Fields) -> Self {
        Self(Wish::common(fields))
    }
}

/// A tool that the client itself runs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTool {
    /// 1 to 64 letters, digits, `_` and `-`; none of the persona's tools is called so.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    name: String,
    /// What it does, for the model.
    #[serde(default)]
    description: String,
    /// JSON schema of the arguments object.
    #[serde(default = "any_object")]
    #[schema(value_type = Option<Object>)]
    parameters: Value,
}

fn client_tools(fields: &mut Fields) -> Vec<ToolDefinition> {
    let tools: Option<Vec<ClientTool>> = fields.formed("tools", |_| Ok(()));
    let tools = tools.unwrap_or_default().into_iter();
    tools.map(ToolDefinition::from).collect()
}

fn any_object() -> Value {
    json!({ "type": "object" })
}

impl From<ClientTool> for ToolDefinition {
    fn from(tool: ClientTool) -> Self {
        Self {
            name: tool.name,
            description: tool.description,
            schema: tool.parameters,
        }
    }
}

fn limits(fields: &mut Fields) -> LimitOverrides {
    LimitOverrides {
        max_steps: fields
            .count("max_steps", u64::from(u32::MAX))
            .and_then(|steps| u32::try_from(steps).ok()),
        max_output_tokens: fields.count("max_output_tokens", i64::MAX as u64),
        max_cost: fields.read("max_cost_usd", |value| {
            value
                .as_f64()
                .and_then(NanoUsd::from_dollars)
                .filter(|cost| *cost > NanoUsd::ZERO)
                .ok_or_else(|| "must be a positive number of dollars".to_owned())
        }),
        // Beyond a hundred years is a mistake, and would overflow a time.
        timeout_seconds: fields.count("timeout_seconds", 3_153_600_000),
    }
}

/// Starts a run in a thread. A request without body starts the default persona.
#[utoipa::path(
    post,
    path = "/v1/threads/{thread_id}/runs",
    tag = "runs",
    params(("thread_id" = Uuid, Path), OnceParams),
    request_body(content = Option<NewRunBody>),
    responses(
        (status = 201, description = "The run is in the log.", body = CreatedRun),
        (status = 402, description = "`credits.exhausted`, or `budget.exhausted` with the \
            budget in `details`", body = ErrorEnvelope),
        (status = 404, description = "`threads.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`runs.thread_busy` with `details.run_id`, \
            `idempotency.key_reused`, `idempotency.in_progress`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, `personas.not_found`, \
            `personas.variable_missing` with `details` by name, `personas.prompt_too_long`, \
            `routes.not_found`, `routes.unavailable`", body = ErrorEnvelope),
        (status = 429, description = "`runs.limit_exceeded`, `runs.queue_full`",
            body = ErrorEnvelope),
        (status = 507, description = "`storage.limit_exceeded`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_run(mut call: Call<RunsWrite, ThreadId, (), Wish>) -> ApiResult {
    let wish = std::mem::take(&mut call.body);
    let thread_id = call.path;
    start(&call, thread_id, wish).await
}

/// Starts a run as `wish` says.
pub(crate) async fn start<A: Access<Caller = Caller>, P, B>(
    call: &Call<A, P, (), B>,
    thread_id: ThreadId,
    wish: Wish,
) -> ApiResult {
    if let Err(refused) = limits::check_storage(&call.state, call.caller.org_id).await {
        return call.answered_before(refused).await;
    }
    let created = CreatedRun {
        run_id: RunId::generate(call.state.now()),
        trace_id: call.trace_id,
    };
    let (answer, once) = call.answer(&created)?;
    let start = StartRun {
        org_id: call.caller.org_id,
        user_id: call.caller.user_id,
        api_key_id: call.caller.api_key_id(),
        thread_id,
        run_id: created.run_id,
        trace_id: created.trace_id,
        route_id: wish.route_id,
        persona_id: wish.persona_id,
        when_busy: wish.when_busy,
        input: wish.input,
        metadata: wish.metadata,
        limits: wish.limits,
        tools: wish.tools,
        rewind: wish.rewind,
        once,
    };
    if start.when_busy == WhenBusy::Interrupt && !may_interrupt(call, thread_id).await? {
        return call.answered_before(thread_busy()).await;
    }
    let engine = call.state.engine();
    let started = async move { Ok::<_, ApiError>(engine.start_run(start).await) };
    Ok(match call.state.run(started).await? {
        Ok(StartedRun::Created(_)) => answer.respond(),
        Ok(StartedRun::Replayed(stored)) => Answer::stored(stored).respond(),
        Err(StartError::Busy(run)) => return Err(busy(call, run).await),
        Err(error) => return Err(error.into()),
    })
}

/// Whether the caller sees the run that they would interrupt.
async fn may_interrupt<A: Access<Caller = Caller>, P, B>(
    call: &Call<A, P, (), B>,
    thread: ThreadId,
) -> Result<bool, ApiError> {
    if sight::only_of(&call.state, &call.caller).await?.is_none() {
        return Ok(true);
    }
    let store = call.state.store();
    let live = call.state.read(store.live_run(call.caller.org_id, thread));
    match live.await? {
        Some(live) => sight::is_seen(&call.state, &call.caller, live).await,
        None => Ok(true),
    }
}

/// A thread is busy; with what, is told to those who see that run.
async fn busy<A: Access<Caller = Caller>, P, B>(call: &Call<A, P, (), B>, run: RunId) -> ApiError {
    match sight::is_seen(&call.state, &call.caller, run).await {
        Ok(true) => StartError::Busy(run).into(),
        Ok(false) => thread_busy(),
        Err(error) => error,
    }
}

fn thread_busy() -> ApiError {
    ApiError::conflict(
        "runs.thread_busy",
        "the thread has a run that has not ended",
    )
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        use actix_web::http::StatusCode;
        match error {
            StartError::NoThread => threads::not_found(),
            StartError::NoParent => super::not_found(),
            StartError::NoMessage => {
                Self::not_found("messages.not_found", "there is no such user message")
            }
            StartError::NoPersona => Self::unprocessable(
                "personas.not_found",
                "there is no such persona, or not in this version",
            ),
            StartError::NoRoute => Self::unprocessable(
                "routes.not_found",
                "there is no such route, or no default one",
            ),
            StartError::RouteUnavailable(reason) => {
                Self::unprocessable("routes.unavailable", "the route can't be used now")
                    .details(json!({ "reason": reason }))
            }
            StartError::Limit(limit) => Self::invalid_field(
                &format!("limits.{}", limit.0),
                "is above what the persona allows",
            ),
            StartError::MissingVariables(names) => Self::unprocessable(
                "personas.variable_missing",
                "the persona's prompt needs values in `metadata`",
            )
            .details(missing(&names)),
            StartError::PromptTooLong => Self::unprocessable(
                "personas.prompt_too_long",
                "the persona's prompt is too long with the values of `metadata` in it",
            ),
            StartError::Tools(why) => Self::invalid_field("tools", why),
            StartError::Busy(run_id) => thread_busy().details(json!({ "run_id": run_id })),
            StartError::QueueFull => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "runs.queue_full",
                "as many runs as may are waiting in this thread",
            )
            .retry_after(RETRY_FULL),
            StartError::TooManyLive(whose) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "runs.limit_exceeded",
                match whose {
                    LiveScope::Org => "the organisation has as many live runs as it may",
                    LiveScope::User => "you have as many live runs as you may",
                    LiveScope::ApiKey => "the API key has as many live runs as it may",
                },
            )
            .retry_after(RETRY_FULL),
            StartError::NoCredit => Self::new(
                StatusCode::PAYMENT_REQUIRED,
                "credits.exhausted",
                "the organisation has not enough credits left for this run",
            ),
            StartError::NoBudget(budget) => Self::new(
                StatusCode::PAYMENT_REQUIRED,
                "budget.exhausted",
                "a budget for this run is used up, or held by other runs",
            )
            .details(json!({
                "budget_id": budget.budget_id,
                "scope": budget.scope,
                "scope_id": budget.scope_id,
                "period": budget.period,
            })),
            StartError::Key(conflict) => conflict.into(),
            StartError::Catalog(error) => error.into(),
            StartError::Source(error) => error.into(),
            StartError::Store(error) => error.into(),
        }
    }
}

/// What is wrong with the metadata, by field, as for a request that isn't valid.
fn missing(names: &[String]) -> Value {
    let problem = "must be a string, a number, true or false";
    let field = |name: &String| (format!("metadata.{name}"), Value::from(problem));
    names.iter().map(field).collect()
}
