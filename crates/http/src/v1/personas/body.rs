//! What is said of a persona, be it new or a further version.

use std::collections::BTreeSet;

use runloom_domain::text::is_name;
use runloom_domain::{
    ApprovalPolicy, DollarLimits, Generation, Limits, OnOverflow, Persona, PersonaRef,
    ReasoningEffort, ResponseFormat, ToolPattern, check_url_patterns,
};
use runloom_engine::{check_answer_schema, check_approvals};
use runloom_store::PersonaVersion;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Body, Fields, Size};

/// The longest prompt, in bytes.
const PROMPT: Size = Size::Bytes(1, 64 * 1024);
/// The longest name of a model, in bytes.
const MODEL: Size = Size::Bytes(1, 200);
/// The most tools.
const MAX_TOOLS: usize = 128;
/// The longest name of a tool, in bytes.
const TOOL: Size = Size::Bytes(1, 200);
/// The most texts at which a model stops.
const MAX_STOPS: usize = 16;
/// The longest of them, in bytes.
const STOP: Size = Size::Bytes(1, 200);
/// The longest time limit, a hundred years in seconds: more would overflow a time.
const MAX_SECONDS: u64 = 3_153_600_000;

/// A persona to be made. What is left out has its default.
#[derive(ToSchema)]
#[schema(as = NewPersona)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewPersonaBody {
    /// What runs name it by.
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    key: String,
    #[serde(flatten)]
    rest: PersonaVersionBody,
}

/// A further version of a persona, whole: what is left out has its default, not what the version
/// before says.
#[derive(ToSchema)]
#[schema(as = NewPersonaVersion)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct PersonaVersionBody {
    /// What the version shall be called; by default the next number. A name that is a number
    /// has to be higher than those before.
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    version: Option<String>,
    /// The system prompt: at most 64 KB.
    #[schema(max_length = 65_536, min_length = 1)]
    prompt: String,
    /// The route it prefers when a run names none.
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    route_id: Option<String>,
    /// The model it prefers when neither the run nor the persona names a route.
    #[schema(min_length = 1, max_length = 200)]
    model: Option<String>,
    /// Names of the tools it may use, or patterns in which `*` stands for any characters.
    /// Default none.
    #[schema(max_items = 128)]
    tools: Option<Vec<String>>,
    /// Which URLs `http_request` may reach, of those that the deployment allows:
    /// `[SCHEME://]HOST[:PORT][/PATH]`, with `*.example.com` for the names below one, `*` for every
    /// host, and any `*` in the path; what is left out fits all. Default none: then it reaches
    /// nothing. At most 64.
    #[schema(example = json!(["api.example.com", "https://example.org/docs/*"]), max_items = 64)]
    http_allow: Option<Vec<String>>,
    approvals: Option<ApprovalsBody>,
    limits: Option<PersonaLimitsBody>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f64>,
    /// Texts at which the model stops.
    #[schema(max_items = 16)]
    stop: Option<Vec<String>>,
    /// `minimal`, `low`, `medium` or `high`.
    #[schema(pattern = "^(minimal|low|medium|high)$")]
    reasoning_effort: Option<String>,
    response_format: Option<ResponseFormatBody>,
    /// What becomes of a history that is too long: `drop` (default), `summarise` or `fail`.
    #[schema(pattern = "^(drop|summarise|fail)$")]
    on_overflow: Option<String>,
    /// Whether the provider is asked to cache the prompt. Default true.
    prompt_caching: Option<bool>,
    /// Whether runs speak as this persona when they name none. Left out, it stays as it is.
    is_default: Option<bool>,
}

/// Which tools run by themselves: `auto`, `ask` or `deny`. The first rule that fits a call counts,
/// then the entry of `tools` that names the tool most exactly, then the default.
#[derive(ToSchema)]
#[schema(as = Approvals)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct ApprovalsBody {
    /// For tools without an entry of their own. Default `auto`.
    #[schema(pattern = "^(auto|ask|deny)$")]
    default: Option<String>,
    /// By tool name, or by pattern.
    #[schema(value_type = Option<Object>)]
    tools: Option<Value>,
    /// In order; at most 64.
    #[schema(max_items = 64)]
    rules: Option<Vec<ApprovalRuleBody>>,
}

/// What it leaves out fits every call.
#[derive(ToSchema)]
#[schema(as = ApprovalRule)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct ApprovalRuleBody {
    /// The tool's name, or a pattern.
    #[schema(min_length = 1, max_length = 200)]
    tools: Option<String>,
    /// `pure`, `keyed` or `once`.
    #[schema(pattern = "^(pure|keyed|once)$")]
    class: Option<String>,
    /// JSON schema that the call's arguments fit: at most 8 KB, complete in itself.
    #[schema(value_type = Option<Object>)]
    when: Option<Value>,
    /// `auto`, `ask` or `deny`.
    #[schema(pattern = "^(auto|ask|deny)$")]
    mode: String,
}

/// 0 is without limit.
#[derive(ToSchema)]
#[schema(as = PersonaLimits)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct PersonaLimitsBody {
    /// Default 32.
    max_steps: Option<u32>,
    /// Default 0.
    max_output_tokens: Option<u64>,
    /// Default 0.
    max_cost_usd: Option<f64>,
    /// Default 0.
    timeout_seconds: Option<u64>,
    /// Default a day.
    waiting_seconds: Option<u64>,
    /// How often the same tool may be called with the same arguments. Default 10.
    max_identical_calls: Option<u32>,
    /// How many generations of child runs there may be below the run that a person started.
    /// Default 3.
    max_depth: Option<u32>,
    /// How many child runs a run may spawn in all. Default 8, and never more than 100.
    max_children: Option<u32>,
}

/// An answer of JSON that fits a schema.
#[derive(ToSchema)]
#[schema(as = ResponseFormat)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct ResponseFormatBody {
    /// Letters, digits, `_` and `-`. Default `answer`.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    name: Option<String>,
    /// A JSON schema of at most 8 KB, complete in itself.
    #[schema(value_type = Object)]
    schema: Value,
}

/// What is said of a persona.
pub(crate) struct Said {
    /// Its key, when it is new; the version in its id isn't known yet.
    pub(super) persona: Persona,
    pub(super) version: PersonaVersion,
    pub(super) is_default: Option<bool>,
}

/// What is said of a new persona.
pub(crate) struct SaidNew(pub(super) Said);

impl Body for SaidNew {
    fn from_fields(fields: &mut Fields) -> Self {
        fields.required("key");
        let key = fields.name("key").unwrap_or_default();
        let mut said = Said::from_fields(fields);
        said.persona.id.key = key;
        Self(said)
    }
}

impl Body for Said {
    fn from_fields(fields: &mut Fields) -> Self {
        let version = fields.name("version");
        Self {
            persona: persona(fields),
            version: version.map_or(PersonaVersion::Next, PersonaVersion::Named),
            is_default: fields.flag("is_default"),
        }
    }
}

fn persona(fields: &mut Fields) -> Persona {
    let tools = tools(fields);
    let words = [
        ("drop", OnOverflow::Drop),
        ("summarise", OnOverflow::Summarise),
        ("fail", OnOverflow::Fail),
    ];
    Persona {
        id: PersonaRef {
            key: String::new(),
            version: String::new(),
        },
        prompt: fields.text("prompt", PROMPT),
        route_id: fields.name("route_id"),
        model: fields.optional_text("model", MODEL),
        approvals: approvals(fields, &tools),
        tools,
        http_allow: http_allow(fields),
        limits: limits(fields),
        generation: generation(fields),
        on_overflow: fields.word("on_overflow", &words).unwrap_or_default(),
    }
}

fn tools(fields: &mut Fields) -> Vec<String> {
    let tools = fields.texts("tools", MAX_TOOLS, TOOL).unwrap_or_default();
    let different: BTreeSet<&String> = tools.iter().collect();
    if different.len() < tools.len() {
        fields.fail("tools", "names a tool twice");
    }
    let patterns = tools.iter().filter(|tool| tool.contains('*'));
    if let Some(broken) = patterns
        .into_iter()
        .find(|p| !ToolPattern::new(p).is_valid())
    {
        fields.fail("tools", format!("has {broken:?}, which is no pattern"));
    }
    tools
}

fn http_allow(fields: &mut Fields) -> Vec<String> {
    let usable = |patterns: &Vec<String>| check_url_patterns(patterns);
    fields.formed("http_allow", usable).unwrap_or_default()
}

fn approvals(fields: &mut Fields, tools: &[String]) -> ApprovalPolicy {
    let usable = |policy: &ApprovalPolicy| check_approvals(policy, tools);
    fields.formed("approvals", usable).unwrap_or_default()
}

fn limits(fields: &mut Fields) -> Limits {
    let bounded = |limits: &DollarLimits| {
        let seconds = limits.timeout_seconds.max(limits.waiting_seconds);
        if seconds > MAX_SECONDS || i64::try_from(limits.max_output_tokens).is_err() {
            return Err("has a limit that is too large".to_owned());
        }
        Ok(())
    };
    fields
        .formed::<DollarLimits>("limits", bounded)
        .unwrap_or_default()
        .into()
}

fn generation(fields: &mut Fields) -> Generation {
    let efforts = [
        ("minimal", ReasoningEffort::Minimal),
        ("low", ReasoningEffort::Low),
        ("medium", ReasoningEffort::Medium),
        ("high", ReasoningEffort::High),
    ];
    Generation {
        temperature: fields.number("temperature", 0.0..=2.0),
        top_p: fields.number("top_p", 0.0..=1.0),
        stop: fields.texts("stop", MAX_STOPS, STOP).unwrap_or_default(),
        reasoning_effort: fields.word("reasoning_effort", &efforts),
        response_format: fields.formed("response_format", check_format),
        prompt_caching: fields.flag("prompt_caching").unwrap_or(true),
    }
}

/// Providers want a name of few characters, and a schema that is checked against must be fit
/// for that.
fn check_format(format: &ResponseFormat) -> Result<(), String> {
    let plain = |name: &str| !name.contains(['.', ':']);
    if !is_name(&format.name) || !plain(&format.name) {
        return Err("name must be 1 to 64 letters, digits, _ and -".to_owned());
    }
    check_answer_schema(&format.schema)
        .map_err(|problem| format!("schema can't be used: {problem}"))
}
