//! What each route does for somebody of another organisation.

/// What a route does for somebody of another organisation.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    /// It is about one thing by its ids, which another organisation doesn't have. With the
    /// body that it takes, `null` for none.
    Hidden(&'static str),
    /// It lists or shows what the caller has, and so nothing of others.
    Own,
    /// It makes something of the caller's, of this body.
    Makes(&'static str),
    /// It has nothing to do with organisations.
    Public,
}

/// The case of each route. A new route gets a line here.
const CASES: &[(&str, &str, Case)] = &[
    (
        "post",
        "/v1/threads/{thread_id}/runs",
        Case::Hidden(r#"{"input":"x"}"#),
    ),
    ("get", "/v1/threads/{thread_id}/runs", Case::Hidden("null")),
    ("get", "/v1/runs", Case::Own),
    ("get", "/v1/runs/{run_id}", Case::Hidden("null")),
    ("post", "/v1/runs/{run_id}:cancel", Case::Hidden("null")),
    (
        "post",
        "/v1/runs/{run_id}/input",
        Case::Hidden(r#"{"content":"yes"}"#),
    ),
    ("get", "/v1/runs/{run_id}/events", Case::Hidden("null")),
    (
        "post",
        "/v1/runs/{run_id}/events:ticket",
        Case::Hidden("null"),
    ),
    (
        "get",
        "/v1/runs/{run_id}/tool-results/{tool_call_id}",
        Case::Hidden("null"),
    ),
    ("post", "/v1/threads", Case::Makes("{}")),
    ("get", "/v1/threads", Case::Own),
    ("get", "/v1/threads/{thread_id}", Case::Hidden("null")),
    (
        "patch",
        "/v1/threads/{thread_id}",
        Case::Hidden(r#"{"title":"mine now"}"#),
    ),
    ("delete", "/v1/threads/{thread_id}", Case::Hidden("null")),
    (
        "post",
        "/v1/threads/{thread_id}:retry",
        Case::Hidden("null"),
    ),
    (
        "post",
        "/v1/threads/{thread_id}/messages",
        Case::Hidden(r#"{"content":"x"}"#),
    ),
    (
        "get",
        "/v1/threads/{thread_id}/messages",
        Case::Hidden("null"),
    ),
    (
        "patch",
        "/v1/threads/{thread_id}/messages/{message_id}",
        Case::Hidden(r#"{"content":"x"}"#),
    ),
    ("post", "/v1/auth/register", Case::Public),
    ("post", "/v1/auth/login", Case::Public),
    ("post", "/v1/auth/refresh", Case::Public),
    ("post", "/v1/auth/logout", Case::Public),
    ("post", "/v1/auth/reset", Case::Public),
    (
        "post",
        "/v1/members/{user_id}:reset-password",
        Case::Hidden("null"),
    ),
    ("get", "/v1/me", Case::Own),
    ("patch", "/v1/me", Case::Public),
    ("post", "/v1/me/password", Case::Public),
    ("get", "/v1/me/sessions", Case::Own),
    (
        "delete",
        "/v1/me/sessions/{session_id}",
        Case::Hidden("null"),
    ),
    ("post", "/v1/api-keys", Case::Makes(r#"{"name":"mine"}"#)),
    ("get", "/v1/api-keys", Case::Own),
    ("delete", "/v1/api-keys/{api_key_id}", Case::Hidden("null")),
    ("post", "/v1/orgs", Case::Makes(r#"{"name":"another"}"#)),
    ("get", "/v1/orgs", Case::Own),
    ("get", "/v1/org", Case::Own),
    ("patch", "/v1/org", Case::Own),
    ("get", "/v1/audit-log", Case::Own),
    ("get", "/v1/members", Case::Own),
    ("get", "/v1/members/{user_id}", Case::Hidden("null")),
    (
        "patch",
        "/v1/members/{user_id}",
        Case::Hidden(r#"{"role":"viewer"}"#),
    ),
    ("delete", "/v1/members/{user_id}", Case::Hidden("null")),
    (
        "post",
        "/v1/invitations",
        Case::Makes(r#"{"email":"guest@example.com","role":"viewer"}"#),
    ),
    ("get", "/v1/invitations", Case::Own),
    (
        "delete",
        "/v1/invitations/{invitation_id}",
        Case::Hidden("null"),
    ),
    (
        "post",
        "/v1/invitations:accept",
        Case::Hidden(r#"{"token":"{token}"}"#),
    ),
    (
        "post",
        "/v1/service-accounts",
        Case::Makes(r#"{"name":"another","role":"viewer"}"#),
    ),
    ("get", "/v1/service-accounts", Case::Own),
    (
        "get",
        "/v1/service-accounts/{user_id}",
        Case::Hidden("null"),
    ),
    (
        "patch",
        "/v1/service-accounts/{user_id}",
        Case::Hidden(r#"{"name":"mine now"}"#),
    ),
    (
        "delete",
        "/v1/service-accounts/{user_id}",
        Case::Hidden("null"),
    ),
    ("get", "/v1/credits", Case::Own),
    ("get", "/v1/credits/entries", Case::Own),
    ("post", "/v1/credits:topup", Case::Makes(r#"{"credits":1}"#)),
    (
        "post",
        "/v1/credits:adjust",
        Case::Makes(r#"{"credits":-1}"#),
    ),
    (
        "post",
        "/v1/budgets",
        Case::Makes(r#"{"scope":"organisation","period":"month","max_tokens":1}"#),
    ),
    ("get", "/v1/budgets", Case::Own),
    ("get", "/v1/budgets/{budget_id}", Case::Hidden("null")),
    (
        "patch",
        "/v1/budgets/{budget_id}",
        Case::Hidden(r#"{"max_tokens":2}"#),
    ),
    ("delete", "/v1/budgets/{budget_id}", Case::Hidden("null")),
    ("get", "/v1/usage", Case::Own),
    (
        "post",
        "/v1/llm-credentials",
        Case::Makes(r#"{"provider":"openai_chat","name":"n","base_url":"http://127.0.0.1:9/v1"}"#),
    ),
    ("get", "/v1/llm-credentials", Case::Own),
    (
        "get",
        "/v1/llm-credentials/{credential_id}",
        Case::Hidden("null"),
    ),
    (
        "patch",
        "/v1/llm-credentials/{credential_id}",
        Case::Hidden(r#"{"name":"mine now"}"#),
    ),
    (
        "delete",
        "/v1/llm-credentials/{credential_id}",
        Case::Hidden("null"),
    ),
    (
        "post",
        "/v1/llm-credentials/{credential_id}:test",
        Case::Hidden(r#"{"model":"m"}"#),
    ),
    (
        "post",
        "/v1/llm-routes",
        Case::Makes(r#"{"credential_id":"{credential_id}","model":"m"}"#),
    ),
    ("get", "/v1/llm-routes", Case::Own),
    ("get", "/v1/llm-routes/{route_id}", Case::Hidden("null")),
    (
        "patch",
        "/v1/llm-routes/{route_id}",
        Case::Hidden(r#"{"model":"mine now"}"#),
    ),
    ("delete", "/v1/llm-routes/{route_id}", Case::Hidden("null")),
    (
        "post",
        "/v1/personas",
        Case::Makes(r#"{"key":"another","prompt":"x"}"#),
    ),
    ("get", "/v1/personas", Case::Own),
    ("get", "/v1/personas/{persona_key}", Case::Hidden("null")),
    ("delete", "/v1/personas/{persona_key}", Case::Hidden("null")),
    (
        "post",
        "/v1/personas/{persona_key}/versions",
        Case::Hidden(r#"{"prompt":"mine now"}"#),
    ),
    (
        "get",
        "/v1/personas/{persona_key}/versions",
        Case::Hidden("null"),
    ),
    (
        "get",
        "/v1/personas/{persona_key}/versions/{version}",
        Case::Hidden("null"),
    ),
    (
        "post",
        "/v1/mcp-servers",
        Case::Makes(r#"{"key":"another","url":"http://127.0.0.1:9/mcp"}"#),
    ),
    ("get", "/v1/mcp-servers", Case::Own),
    ("get", "/v1/mcp-servers/{server_id}", Case::Hidden("null")),
    (
        "patch",
        "/v1/mcp-servers/{server_id}",
        Case::Hidden(r#"{"name":"mine now"}"#),
    ),
    (
        "delete",
        "/v1/mcp-servers/{server_id}",
        Case::Hidden("null"),
    ),
    (
        "get",
        "/v1/mcp-servers/{server_id}/tools",
        Case::Hidden("null"),
    ),
    (
        "post",
        "/v1/mcp-servers/{server_id}:refresh",
        Case::Hidden("null"),
    ),
    (
        "post",
        "/v1/mcp-servers/{server_id}:approve",
        Case::Hidden(r#"{"tools":["t"]}"#),
    ),
    (
        "post",
        "/v1/http-tools",
        Case::Makes(
            r#"{"name":"another","description":"d","schema":{"type":"object"},
                "url":"http://127.0.0.1:9/","signing_secret":"0123456789abcdef"}"#,
        ),
    ),
    ("get", "/v1/http-tools", Case::Own),
    ("get", "/v1/http-tools/{tool_id}", Case::Hidden("null")),
    (
        "patch",
        "/v1/http-tools/{tool_id}",
        Case::Hidden(r#"{"description":"mine now"}"#),
    ),
    ("delete", "/v1/http-tools/{tool_id}", Case::Hidden("null")),
    ("get", "/healthz", Case::Public),
    ("get", "/readyz", Case::Public),
    ("get", "/metrics", Case::Public),
    ("get", "/openapi.json", Case::Public),
    ("get", "/docs", Case::Public),
    ("get", "/docs/{file}", Case::Public),
];

/// The case of a route, if it has one.
pub(crate) fn case(method: &str, path: &str) -> Option<Case> {
    let known = |case: &&(&str, &str, Case)| (case.0, case.1) == (method, path);
    CASES.iter().find(known).map(|case| case.2)
}
