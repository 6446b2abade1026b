//! What is said of an HTTP tool, be it new or changed.

use std::collections::BTreeMap;

use runloom_accounts::Secret;
use runloom_domain::{EncryptedSecret, ToolClass, ToolDefinition};
use runloom_engine::check_argument_schema;
use runloom_store::{HttpMethod, HttpToolSettings, SecretHeader};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::headers::{self, SaidHeader};
use crate::extract::{Body, Fields, Size};
use crate::v1::secret;

/// The longest description, in bytes.
const DESCRIPTION: Size = Size::Bytes(1, 8 * 1024);
/// The largest schema, in bytes of JSON.
const SCHEMA: usize = 32 * 1024;
/// The longest URL.
const URL: Size = Size::Bytes(1, 2_000);
/// How long a signing secret may be.
const SIGNING: (usize, usize) = (16, 256);
/// How long a call may take, in milliseconds: by default, and at most.
const TIMEOUT_MS: u64 = 30_000;
const MAX_TIMEOUT_MS: u64 = 600_000;

/// An HTTP tool to be made. What is left out has its default.
#[derive(ToSchema)]
#[schema(as = NewHttpTool)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewHttpToolBody {
    /// What models call: 1 to 64 of `A-Z a-z 0-9 _ -`, not beginning with `mcp__`.
    #[schema(
        example = "look_up_order",
        max_length = 64,
        pattern = r"^(?!mcp__)[A-Za-z0-9_-]{1,64}$"
    )]
    name: String,
    /// What it does, for the model.
    #[schema(max_length = 8192, min_length = 1)]
    description: String,
    /// JSON schema of the arguments, an object; complete in itself, at most 32 KB.
    #[schema(value_type = Object)]
    schema: Value,
    /// Where calls are sent to: http or https.
    #[schema(pattern = "^https?://", min_length = 1, max_length = 2000)]
    url: String,
    /// `POST` (default), `PUT` or `PATCH`.
    #[schema(pattern = "^(POST|PUT|PATCH)$")]
    method: Option<String>,
    /// Headers that are sent with each call.
    #[schema(value_type = Option<Object>)]
    headers: Option<Value>,
    secret_header: Option<SecretHeaderBody>,
    /// What calls are signed with, which is never shown again.
    #[schema(min_length = 16, max_length = 256, write_only, pattern = r"^[!-~]+$")]
    signing_secret: String,
    /// What a crash in mid-call means: `pure` and `keyed` run again, `keyed` with the same
    /// `Idempotency-Key`; for `once` (default) a person is asked.
    #[schema(pattern = "^(pure|keyed|once)$")]
    class: Option<String>,
    /// How long a call may take. Default 30,000.
    #[schema(minimum = 1, maximum = 600_000)]
    timeout_ms: Option<u64>,
    /// Default true.
    enabled: Option<bool>,
}

/// What to change of a tool: an absent field stays, null gives it its default.
#[derive(ToSchema)]
#[schema(as = HttpToolPatch)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct HttpToolPatchBody {
    #[schema(
        max_length = 64,
        pattern = r"^(?!mcp__)[A-Za-z0-9_-]{1,64}$",
        nullable = false
    )]
    name: Option<String>,
    #[schema(max_length = 8192, min_length = 1, nullable = false)]
    description: Option<String>,
    #[schema(value_type = Option<Object>, nullable = false)]
    schema: Option<Value>,
    #[schema(
        pattern = "^https?://",
        min_length = 1,
        max_length = 2000,
        nullable = false
    )]
    url: Option<String>,
    #[schema(pattern = "^(POST|PUT|PATCH)$")]
    method: Option<String>,
    #[schema(value_type = Option<Object>)]
    headers: Option<Value>,
    /// Whole. Needed again when `url` changes, so that a secret only goes where whoever knows
    /// it sends it.
    secret_header: Option<SecretHeaderBody>,
    /// Needed again when `url` changes.
    #[schema(
        min_length = 16,
        max_length = 256,
        write_only,
        pattern = r"^[!-~]+$",
        nullable = false
    )]
    signing_secret: Option<String>,
    #[schema(pattern = "^(pure|keyed|once)$")]
    class: Option<String>,
    #[schema(minimum = 1, maximum = 600_000)]
    timeout_ms: Option<u64>,
    enabled: Option<bool>,
}

/// A header whose value is never shown again.
#[derive(ToSchema)]
#[schema(as = NewSecretHeader)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
struct SecretHeaderBody {
    #[schema(example = "authorization", min_length = 1, max_length = 100)]
    name: String,
    #[schema(
        max_length = 4096,
        write_only,
        min_length = 1,
        pattern = r"^[!-~]([ -~]*[!-~])?$"
    )]
    value: String,
}

/// What is said of a tool; the outer `None` leaves a field as it is, the inner one gives it its
/// default.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
pub(crate) struct Said {
    pub(super) name: Option<String>,
    description: Option<String>,
    schema: Option<Value>,
    pub(super) url: Option<String>,
    method: Option<Option<HttpMethod>>,
    headers: Option<Option<BTreeMap<String, String>>>,
    pub(super) secret_header: Option<Option<SaidHeader>>,
    pub(super) signing_secret: Option<Secret>,
    class: Option<Option<ToolClass>>,
    timeout_ms: Option<Option<u64>>,
    enabled: Option<Option<bool>>,
}

/// What is said of a new tool.
pub(crate) struct SaidNew(pub(super) Said);

impl Body for SaidNew {
    fn from_fields(fields: &mut Fields) -> Self {
        for needed in ["name", "description", "schema", "url", "signing_secret"] {
            fields.required(needed);
        }
        Self(Said::from_fields(fields))
    }
}

impl Body for Said {
    fn from_fields(fields: &mut Fields) -> Self {
        for needed in ["name", "description", "schema", "url", "signing_secret"] {
            if fields.has(needed) {
                fields.required(needed);
            }
        }
        let classes = [
            ("pure", ToolClass::Pure),
            ("keyed", ToolClass::Keyed),
            ("once", ToolClass::Once),
        ];
        Self {
            name: fields.read("name", tool_name),
            description: fields.optional_text("description", DESCRIPTION),
            schema: fields.read("schema", schema),
            url: fields.optional_text("url", URL),
            method: fields.change("method", |fields, name| {
                fields.word(name, &HttpMethod::NAMED)
            }),
            headers: fields.change("headers", headers::plain),
            secret_header: fields.change("secret_header", headers::secret),
            signing_secret: secret::visible(fields, "signing_secret", SIGNING),
            class: fields.change("class", |fields, name| fields.word(name, &classes)),
            timeout_ms: fields.change("timeout_ms", |fields, name| {
                fields.count(name, MAX_TIMEOUT_MS)
            }),
            enabled: fields.change("enabled", Fields::flag),
        }
    }
}

fn tool_name(value: Value) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    match value {
        Value::String(name) if name.starts_with("mcp__") => {
            Err("mcp__ begins the names of tools of MCP servers".to_owned())
        }
        Value::String(name) if (1..=64).contains(&name.len()) && name.bytes().all(plain) => {
            Ok(name)
        }
        _ => Err("must be 1 to 64 of A-Z, a-z, 0-9, _ and -".to_owned()),
    }
}

fn schema(value: Value) -> Result<Value, String> {
    if value.get("type").and_then(Value::as_str) != Some("object") {
        return Err("must be a JSON schema of the type object".to_owned());
    }
    let bytes = value.to_string().len();
    if bytes > SCHEMA {
        return Err(format!("has {bytes} bytes, at most {SCHEMA} are allowed"));
    }
    check_argument_schema(&value).map_err(|problem| format!("can't be used: {problem}"))?;
    Ok(value)
}

/// The secrets that are said, encrypted; `None` leaves one as it is.
#[derive(Clone, Default)]
#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
pub(super) struct Secrets {
    pub(super) header: Option<Option<SecretHeader>>,
    pub(super) signing: Option<EncryptedSecret>,
}

impl Said {
    /// A new tool, with what is said of its secrets.
    pub(super) fn new_settings(
        &self,
        secrets: Secrets,
        signing: EncryptedSecret,
    ) -> HttpToolSettings {
        let blank = HttpToolSettings {
            definition: ToolDefinition {
                name: String::new(),
                description: String::new(),
                schema: json!({}),
            },
            url: String::new(),
            method: HttpMethod::default(),
            headers: BTreeMap::new(),
            secret_header: None,
            signing_secret: signing,
            class: ToolClass::Once,
            timeout_ms: TIMEOUT_MS,
            enabled: true,
        };
        self.applied(blank, secrets)
    }

    /// The tool as it is to be.
    pub(super) fn applied(&self, before: HttpToolSettings, secrets: Secrets) -> HttpToolSettings {
        let definition = before.definition;
        let headers = self.headers.clone();
        HttpToolSettings {
            definition: ToolDefinition {
                name: self.name.clone().unwrap_or(definition.name),
                description: self.description.clone().unwrap_or(definition.description),
                schema: self.schema.clone().unwrap_or(definition.schema),
            },
            url: self.url.clone().unwrap_or(before.url),
            method: self.method.map_or(before.method, Option::unwrap_or_default),
            headers: headers.map_or(before.headers, Option::unwrap_or_default),
            secret_header: secrets.header.unwrap_or(before.secret_header),
            signing_secret: secrets.signing.unwrap_or(before.signing_secret),
            class: self
                .class
                .map_or(before.class, |class| class.unwrap_or(ToolClass::Once)),
            timeout_ms: self
                .timeout_ms
                .map_or(before.timeout_ms, |ms| ms.unwrap_or(TIMEOUT_MS)),
            enabled: self
                .enabled
                .map_or(before.enabled, |enabled| enabled.unwrap_or(true)),
        }
    }
}
