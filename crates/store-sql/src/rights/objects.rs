//! Which objects an export has, in the order in which an import can write them.
//!
//! Each column of each table of an organisation is named here or in [`LEFT_OUT`]; a test holds
//! that against the schema.

mod audit;
mod money;

use self::audit::{AUDIT_PENDING, AUDIT_RECORD, AUDIT_SEAL};
use self::money::{
    BALANCE, BUDGET, BUDGET_HOLD, BUDGET_SPEND, CREDIT_ENTRY, CREDIT_HOLD, LEDGER_ENTRY, MODEL_CALL,
};
use super::form::{Made, Object, Part, flag, id, json, moment, number, part, small, table, text};

/// Tables of organisations that stay where they are, with the reason.
pub(super) const LEFT_OUT: &[(&str, &str)] = &[
    ("api_keys", "secrets; new ones are made"),
    ("sessions", "people sign in again"),
    ("password_resets", "secrets of an hour"),
    ("invitations", "secrets; invite again"),
    ("org_data_keys", "what secrets are encrypted with"),
    (
        "idempotency_keys",
        "answers of the last day, to clients of here",
    ),
    (
        "expired_runs",
        "what is still to be deleted; none of it is exported",
    ),
    ("user_names", "made of the members' logins and addresses"),
];

/// Events and whole outputs of tools that can't be read any more are about to be deleted.
const KEPT: &str = " AND runs.events_expired_at IS NULL";

pub(super) const OBJECTS: &[Object] = &[
    ORGANISATION,
    MEMBER,
    CREDENTIAL,
    ROUTE,
    PERSONA,
    PERSONA_VERSION,
    MCP_SERVER,
    MCP_TOOL,
    HTTP_TOOL,
    THREAD,
    RUN,
    EVENT,
    MESSAGE,
    MODEL_CALL,
    CREDIT_ENTRY,
    BALANCE,
    LEDGER_ENTRY,
    CREDIT_HOLD,
    BUDGET,
    BUDGET_SPEND,
    BUDGET_HOLD,
    CONTENT,
    TOOL_OUTPUT,
    AUDIT_RECORD,
    AUDIT_SEAL,
    AUDIT_PENDING,
];

/// The parts of all objects.
pub(super) fn parts() -> impl Iterator<Item = (&'static Object, &'static Part)> {
    let of = |object: &'static Object| object.parts.iter().map(move |part| (object, part));
    OBJECTS.iter().flat_map(of)
}

/// Each kind of line with the names of its fields.
#[cfg(feature = "testing")]
pub(crate) fn exported() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let fields = |object: &Object| object.fields().map(|field| field.name).collect();
    OBJECTS
        .iter()
        .map(move |object| (object.kind, fields(object)))
}

const ORGANISATION: Object = table(
    "organisation",
    "orgs",
    &[("orgs", "org_id")],
    &[part(
        "orgs",
        &[
            text("name"),
            moment("created_at"),
            small("event_retention_days"),
            flag("metered"),
            text("run_visibility"),
            number("max_threads"),
            number("max_stored_bytes"),
            number("config_version"),
            number("version"),
        ],
        // Measured anew.
        &["stored_bytes"],
    )],
);

/// The kind of line that people and service accounts have.
pub(super) const MEMBER_KIND: &str = "member";

const MEMBER: Object = Object {
    kind: MEMBER_KIND,
    from: "memberships JOIN users ON users.user_id = memberships.user_id",
    base: "memberships",
    only: "",
    order: &[("memberships", "user_id")],
    parts: &[
        Part {
            has_org: false,
            ..part(
                "users",
                &[
                    id("user_id"),
                    text("login"),
                    text("email"),
                    text("kind"),
                    moment("created_at").called("registered_at"),
                ],
                &["signed_out_at"],
            )
            .making(Made::Password)
        },
        part(
            "memberships",
            &[text("role"), moment("created_at").called("joined_at")],
            &[],
        )
        .sharing(&["user_id"]),
    ],
};

const CREDENTIAL: Object = table(
    "credential",
    "llm_credentials",
    &[("llm_credentials", "credential_id")],
    &[part(
        "llm_credentials",
        &[
            id("credential_id"),
            text("provider"),
            text("name"),
            text("base_url"),
            number("version"),
            id("created_by"),
            moment("created_at"),
            moment("updated_at"),
        ],
        &["secret", "secret_nonce", "secret_key_version", "key_prefix"],
    )],
);

const ROUTE: Object = table(
    "route",
    "llm_routes",
    &[("llm_routes", "route_id")],
    &[part(
        "llm_routes",
        &[
            id("route_id"),
            id("credential_id"),
            text("model"),
            small("priority"),
            flag("is_default"),
            flag("enabled"),
            text("fallback"),
            json("terms"),
            number("version"),
            id("created_by"),
            moment("created_at"),
            moment("updated_at"),
        ],
        &[],
    )],
);

const PERSONA: Object = table(
    "persona",
    "personas",
    &[("personas", "persona_key")],
    &[part(
        "personas",
        &[
            text("persona_key"),
            id("persona_id"),
            flag("is_default"),
            number("last_number"),
            moment("created_at"),
            moment("deleted_at"),
        ],
        &[],
    )],
);

const PERSONA_VERSION: Object = table(
    "persona_version",
    "persona_versions",
    &[
        ("persona_versions", "persona_key"),
        ("persona_versions", "number"),
    ],
    &[part(
        "persona_versions",
        &[
            text("persona_key"),
            number("number"),
            text("version"),
            json("spec"),
            id("created_by"),
            moment("created_at"),
            moment("deleted_at"),
        ],
        &[],
    )],
);

const MCP_SERVER: Object = table(
    "mcp_server",
    "mcp_servers",
    &[("mcp_servers", "server_id")],
    &[part(
        "mcp_servers",
        &[
            id("server_id"),
            text("server_key"),
            text("name"),
            text("url"),
            text("auth"),
            flag("enabled"),
            json("terms"),
            moment("listed_at"),
            number("version"),
            id("created_by"),
            moment("created_at"),
            moment("updated_at"),
        ],
        // When it is asked next, and how it went last: the next deployment asks by itself.
        &[
            "discover_at",
            "asked_at",
            "failures",
            "error_class",
            "error_message",
        ],
    )
    .making(Made::ServerSecret)],
);

const MCP_TOOL: Object = table(
    "mcp_tool",
    "mcp_tools",
    &[("mcp_tools", "server_id"), ("mcp_tools", "tool")],
    &[part(
        "mcp_tools",
        &[
            id("server_id"),
            text("tool"),
            text("state"),
            json("approved"),
            text("approved_hash"),
            json("pending"),
            text("pending_hash"),
            moment("seen_at"),
        ],
        &[],
    )],
);

const HTTP_TOOL: Object = table(
    "http_tool",
    "http_tools",
    &[("http_tools", "tool_id")],
    &[part(
        "http_tools",
        &[
            id("tool_id"),
            text("name"),
            text("description"),
            json("schema"),
            text("url"),
            flag("enabled"),
            json("terms"),
            number("version"),
            id("created_by"),
            moment("created_at"),
            moment("updated_at"),
        ],
        &["secret", "secret_nonce", "secret_key_version"],
    )
    .making(Made::SigningSecret)],
);

const THREAD: Object = table(
    "thread",
    "threads",
    &[("threads", "thread_id")],
    &[part(
        "threads",
        &[
            id("thread_id"),
            id("created_by"),
            text("title"),
            json("metadata"),
            flag("hidden"),
            number("last_position"),
            number("last_turn"),
            moment("created_at"),
            moment("deleted_at"),
        ],
        &[],
    )],
);

/// The kind of line that has a run's status.
pub(super) const RUN_KIND: &str = "run";

const RUN: Object = Object {
    kind: RUN_KIND,
    from: "run_heads JOIN runs ON runs.org_id = run_heads.org_id \
        AND runs.run_id = run_heads.run_id",
    base: "run_heads",
    only: "",
    order: &[("run_heads", "run_id")],
    parts: &[
        part(
            "run_heads",
            &[
                id("run_id"),
                id("thread_id"),
                number("turn"),
                text("status"),
                number("epoch"),
                number("attempts"),
                number("last_seq"),
                id("parent_run_id"),
            ],
            // Which node works on it.
            &["owner_node", "lost", "batch_id", "batch_base"],
        )
        .making(Made::WakeAt),
        part(
            "runs",
            &[
                id("created_by"),
                id("api_key_id"),
                id("root_thread_id"),
                text("trace_id"),
                text("persona_id"),
                text("route_id"),
                text("model"),
                json("metadata"),
                number("uncached_input_tokens"),
                number("cache_read_tokens"),
                number("cache_write_tokens"),
                number("output_tokens"),
                number("cost_nanos"),
                moment("created_at"),
                moment("ended_at"),
                text("error_class"),
                text("error_message"),
                moment("events_expired_at"),
            ],
            &[],
        )
        .sharing(&["run_id", "thread_id", "parent_run_id"]),
    ],
};

const EVENT: Object = Object {
    kind: "event",
    from: "events JOIN runs ON runs.org_id = events.org_id AND runs.run_id = events.run_id",
    base: "events",
    only: KEPT,
    order: &[("events", "run_id"), ("events", "seq")],
    parts: &[part(
        "events",
        &[
            id("run_id"),
            number("seq"),
            number("n"),
            // The line's own `type` is the kind of object.
            text("type").called("event"),
            json("data"),
            json("private"),
            moment("created_at"),
        ],
        &[],
    )],
};

const MESSAGE: Object = table(
    "message",
    "messages",
    &[("messages", "thread_id"), ("messages", "position")],
    &[part(
        "messages",
        &[
            id("thread_id"),
            number("position"),
            id("message_id"),
            id("run_id"),
            text("role"),
            text("content"),
            json("tool_calls"),
            json("provider"),
            id("tool_call_id"),
            text("tool_name"),
            id("created_by"),
            moment("created_at"),
            moment("hidden_at"),
        ],
        &[],
    )],
);

const CONTENT: Object = table(
    "content",
    "contents",
    &[("contents", "hash")],
    &[part("contents", &[text("hash"), text("body")], &[])],
);

const TOOL_OUTPUT: Object = Object {
    kind: "tool_output",
    from: "tool_outputs JOIN runs ON runs.org_id = tool_outputs.org_id \
        AND runs.run_id = tool_outputs.run_id",
    base: "tool_outputs",
    only: KEPT,
    order: &[("tool_outputs", "run_id"), ("tool_outputs", "tool_call_id")],
    parts: &[part(
        "tool_outputs",
        &[id("run_id"), id("tool_call_id"), text("content")],
        &[],
    )],
};

#[cfg(test)]
mod tests;
