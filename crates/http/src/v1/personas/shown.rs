use runloom_domain::{
    ApprovalPolicy, Limits, OnOverflow, Persona, ReasoningEffort, ResponseFormat, Timestamp, UserId,
};
use runloom_engine::port::catalog::Source;
use runloom_store::PersonaRecord;
use serde::Serialize;
use utoipa::ToSchema;

/// A persona in one of its versions.
#[derive(Serialize, ToSchema)]
#[schema(as = Persona)]
pub(crate) struct ShownPersona {
    key: String,
    version: String,
    /// `organisation`, or `platform` for one of the deployment's, which can't be changed.
    #[schema(example = "organisation")]
    source: &'static str,
    /// Whether runs speak as it when they name none; the organisation's goes before the
    /// platform's.
    is_default: bool,
    /// The system prompt; null for the platform's.
    #[schema(required)]
    prompt: Option<String>,
    #[schema(required)]
    route_id: Option<String>,
    #[schema(required)]
    model: Option<String>,
    tools: Vec<String>,
    /// Which URLs `http_request` may reach.
    http_allow: Vec<String>,
    #[schema(value_type = Object)]
    approvals: ApprovalPolicy,
    limits: ShownLimits,
    #[schema(required)]
    temperature: Option<f64>,
    #[schema(required)]
    top_p: Option<f64>,
    stop: Vec<String>,
    /// `minimal`, `low`, `medium` or `high`.
    #[schema(required, value_type = Option<String>)]
    reasoning_effort: Option<ReasoningEffort>,
    #[schema(required, value_type = Option<Object>)]
    response_format: Option<ResponseFormat>,
    /// `drop`, `summarise` or `fail`.
    #[schema(value_type = String)]
    on_overflow: OnOverflow,
    prompt_caching: bool,
    /// The version's number, which only grows; the ETag. Null for the platform's, as are the
    /// rest.
    #[schema(required)]
    number: Option<u64>,
    /// When the persona was made.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When this version was made.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
    /// Who made this version.
    #[schema(required, value_type = Option<Uuid>)]
    updated_by_user_id: Option<UserId>,
}

/// How far runs may go; 0 is without limit.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownLimits {
    max_steps: u32,
    max_output_tokens: u64,
    max_cost_usd: f64,
    timeout_seconds: u64,
    /// How long a question waits for its answer.
    waiting_seconds: u64,
    /// How often the same tool may be called with the same arguments.
    max_identical_calls: u32,
    /// How many generations of child runs there may be below the run that a person started.
    max_depth: u32,
    /// How many child runs a run may spawn in all.
    max_children: u32,
}

impl From<PersonaRecord> for ShownPersona {
    fn from(record: PersonaRecord) -> Self {
        Self {
            is_default: record.is_default,
            number: Some(record.number),
            created_at: Some(record.created_at),
            updated_at: Some(record.updated_at),
            updated_by_user_id: Some(record.updated_by),
            ..Self::bare(record.persona, Source::Organisation)
        }
    }
}

impl ShownPersona {
    /// One of the platform's, whose prompt is the operator's own.
    pub(super) fn of_platform(persona: &Persona, is_default: bool) -> Self {
        Self {
            is_default,
            prompt: None,
            ..Self::bare(persona.clone(), Source::Platform)
        }
    }

    fn bare(persona: Persona, source: Source) -> Self {
        Self {
            key: persona.id.key,
            version: persona.id.version,
            source: source.as_str(),
            is_default: false,
            prompt: Some(persona.prompt),
            route_id: persona.route_id,
            model: persona.model,
            tools: persona.tools,
            http_allow: persona.http_allow,
            approvals: persona.approvals,
            limits: persona.limits.into(),
            temperature: persona.generation.temperature,
            top_p: persona.generation.top_p,
            stop: persona.generation.stop,
            reasoning_effort: persona.generation.reasoning_effort,
            response_format: persona.generation.response_format,
            on_overflow: persona.on_overflow,
            prompt_caching: persona.generation.prompt_caching,
            number: None,
            created_at: None,
            updated_at: None,
            updated_by_user_id: None,
        }
    }
}

impl From<Limits> for ShownLimits {
    fn from(limits: Limits) -> Self {
        Self {
            max_steps: limits.max_steps,
            max_output_tokens: limits.max_output_tokens,
            max_cost_usd: limits.max_cost.as_dollars(),
            timeout_seconds: limits.timeout_seconds,
            waiting_seconds: limits.waiting_seconds,
            max_identical_calls: limits.max_identical_calls,
            max_depth: limits.max_depth,
            max_children: limits.max_children,
        }
    }
}
