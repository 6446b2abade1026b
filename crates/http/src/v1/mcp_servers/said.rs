//! What is said of a server, be it new or changed.

use runloom_domain::{ToolClass, is_server_key};
use runloom_store::{McpAuth, McpServerSettings};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::{self, AuthBody, SaidAuth, URL};
use crate::extract::{Body, Fields, Size};

/// What people call it, in characters.
const NAME: Size = Size::Chars(1, 100);
/// Patterns with a class at most.
const MAX_CLASSES: usize = 64;
/// The longest pattern, in bytes.
const PATTERN: Size = Size::Bytes(1, 128);
/// The longest time: an hour, in milliseconds.
const MAX_TIME_MS: u64 = 3_600_000;
/// How long a call may take without a sign of progress, and in all.
const CALL_TIMEOUT_MS: u64 = 60_000;
const LONGEST_MS: u64 = 600_000;

/// A server to be made known. What is left out has its default.
#[derive(ToSchema)]
#[schema(as = NewMcpServer)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewMcpServerBody {
    /// The part of its tools' names, `mcp__KEY__TOOL`: 1 to 32 of `a-z 0-9 -`. It never changes.
    #[schema(example = "github", max_length = 32, pattern = "^[a-z0-9-]{1,32}$")]
    key: String,
    /// The key by default.
    #[schema(max_length = 100, min_length = 1)]
    name: Option<String>,
    /// Where messages are posted to (streamable HTTP): http or https.
    #[schema(pattern = "^https?://", min_length = 1, max_length = 2000)]
    url: String,
    auth: Option<AuthBody>,
    /// Default true.
    enabled: Option<bool>,
    /// Whether the hints `readOnlyHint` and `idempotentHint` of its tools are believed. Default
    /// false.
    trusted: Option<bool>,
    /// Whether tools that it gets later are approved by themselves. Changed ones never are.
    /// Default false.
    approve_new: Option<bool>,
    /// What a crash in mid-call means for its tools. The first pattern that fits wins over any
    /// hint; without one it is `once`.
    classes: Option<Vec<ClassBody>>,
    /// How long a call may take without a sign of progress. Default 60,000.
    #[schema(minimum = 1, maximum = 3_600_000)]
    call_timeout_ms: Option<u64>,
    /// How long a call may take in all. Default 600,000.
    #[schema(minimum = 1, maximum = 3_600_000)]
    longest_ms: Option<u64>,
}

/// What to change of a server: an absent field stays, null gives it its default.
#[derive(ToSchema)]
#[schema(as = McpServerPatch)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct McpServerPatchBody {
    #[schema(max_length = 100, min_length = 1)]
    name: Option<String>,
    #[schema(
        pattern = "^https?://",
        min_length = 1,
        max_length = 2000,
        nullable = false
    )]
    url: Option<String>,
    /// Whole. Needed again when `url` changes, so that a secret only goes where whoever knows
    /// it sends it.
    auth: Option<AuthBody>,
    enabled: Option<bool>,
    trusted: Option<bool>,
    approve_new: Option<bool>,
    classes: Option<Vec<ClassBody>>,
    #[schema(minimum = 1, maximum = 3_600_000)]
    call_timeout_ms: Option<u64>,
    #[schema(minimum = 1, maximum = 3_600_000)]
    longest_ms: Option<u64>,
}

/// The class of some tools of a server.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = McpToolClass)]
pub(super) struct ClassBody {
    /// The tools' own names, with `*` for any text.
    #[schema(example = "get_*", max_length = 128, min_length = 1)]
    tools: String,
    /// `pure` runs again, `keyed` runs again with the same key, for `once` a person is asked.
    #[schema(value_type = String, pattern = "^(pure|keyed|once)$")]
    class: ToolClass,
}

/// What is said of a server; the outer `None` leaves a field as it is, the inner one gives it
/// its default.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
pub(crate) struct Said {
    name: Option<Option<String>>,
    pub(super) url: Option<String>,
    pub(super) auth: Option<Option<SaidAuth>>,
    enabled: Option<Option<bool>>,
    trusted: Option<Option<bool>>,
    approve_new: Option<Option<bool>>,
    classes: Option<Option<Vec<ClassBody>>>,
    call_timeout_ms: Option<Option<u64>>,
    longest_ms: Option<Option<u64>>,
}

/// What is said of a new server.
pub(crate) struct SaidNew {
    pub(super) key: String,
    pub(super) said: Said,
}

impl Body for SaidNew {
    fn from_fields(fields: &mut Fields) -> Self {
        fields.required("key");
        fields.required("url");
        let key = fields.read("key", |value| {
            let key = value.as_str().filter(|key| is_server_key(key));
            key.map(str::to_owned)
                .ok_or_else(|| "must be 1 to 32 of a-z, 0-9 and -".to_owned())
        });
        Self {
            key: key.unwrap_or_default(),
            said: Said::from_fields(fields),
        }
    }
}

impl Body for Said {
    fn from_fields(fields: &mut Fields) -> Self {
        if fields.has("url") {
            fields.required("url");
        }
        let milliseconds = |fields: &mut Fields, name: &str| fields.count(name, MAX_TIME_MS);
        Self {
            name: fields.change("name", |fields, name| fields.optional_text(name, NAME)),
            url: fields.optional_text("url", URL),
            auth: fields.change("auth", |fields, _| auth::said(fields)),
            enabled: fields.change("enabled", Fields::flag),
            trusted: fields.change("trusted", Fields::flag),
            approve_new: fields.change("approve_new", Fields::flag),
            classes: fields.change("classes", |fields, name| {
                fields.formed(name, |classes: &Vec<ClassBody>| check_classes(classes))
            }),
            call_timeout_ms: fields.change("call_timeout_ms", milliseconds),
            longest_ms: fields.change("longest_ms", milliseconds),
        }
    }
}

fn check_classes(classes: &[ClassBody]) -> Result<(), String> {
    if classes.len() > MAX_CLASSES {
        return Err(format!(
            "has {} items, at most {MAX_CLASSES} are allowed",
            classes.len()
        ));
    }
    let mut patterns = classes.iter().map(|class| &class.tools);
    patterns.try_for_each(|pattern| PATTERN.check(pattern))
}

impl Said {
    /// A new server; `auth` is what is said of it, encrypted.
    pub(super) fn new_settings(&self, key: &str, auth: McpAuth) -> McpServerSettings {
        let blank = McpServerSettings {
            name: key.to_owned(),
            url: String::new(),
            auth: McpAuth::None,
            enabled: true,
            trusted: false,
            approve_new: false,
            classes: vec![],
            call_timeout_ms: CALL_TIMEOUT_MS,
            longest_ms: LONGEST_MS,
        };
        self.applied(key, blank, Some(auth))
    }

    /// The server as it is to be; `auth` is what is said of it, encrypted, if something is.
    pub(super) fn applied(
        &self,
        key: &str,
        before: McpServerSettings,
        auth: Option<McpAuth>,
    ) -> McpServerSettings {
        let named = |name: &Option<String>| name.clone().unwrap_or_else(|| key.to_owned());
        let classes = |classes: &Option<Vec<ClassBody>>| {
            let classes = classes.iter().flatten();
            classes
                .map(|said| (said.tools.clone(), said.class))
                .collect()
        };
        McpServerSettings {
            name: self.name.as_ref().map_or(before.name, named),
            url: self.url.clone().unwrap_or(before.url),
            auth: auth.unwrap_or(before.auth),
            enabled: or(self.enabled, before.enabled, true),
            trusted: or(self.trusted, before.trusted, false),
            approve_new: or(self.approve_new, before.approve_new, false),
            classes: self.classes.as_ref().map_or(before.classes, classes),
            call_timeout_ms: or(
                self.call_timeout_ms,
                before.call_timeout_ms,
                CALL_TIMEOUT_MS,
            ),
            longest_ms: or(self.longest_ms, before.longest_ms, LONGEST_MS),
        }
    }
}

/// What is said, or the default of what is said to have it, or what was there.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
fn or<T>(said: Option<Option<T>>, before: T, default: T) -> T {
    said.map_or(before, |said| said.unwrap_or(default))
}
