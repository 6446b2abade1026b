//! The OpenAPI document, put together from the annotations beside the handlers.

mod everywhere;

use std::sync::LazyLock;

use actix_web::http::Method;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{Modify, OpenApi};

use self::everywhere::Everywhere;
use crate::error::ErrorEnvelope;
use crate::routes;
use crate::service;
use crate::v1::{
    api_keys, audit_log, auth, budgets, credits, http_tools, invitations, llm_credentials,
    llm_routes, mcp_servers, me, members, messages, orgs, personas, runs, service_accounts,
    threads, usage,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Runloom",
        description = "Runs LLM agents. Make a thread, start a run in it, follow its events.\n\n\
            Every failure has the same body, and every response an `X-Trace-Id`. `x-needs` of an \
            operation names what it needs of its caller: permissions, `person` where no API key \
            will do, `owner` where no other role will.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(name = "Runloom", url = "https://github.com/runloom/runloom"),
    ),
    servers((url = "/", description = "The server that shows this document.")),
    paths(
        runs::create::create_run,
        runs::list_thread::list_thread_runs,
        runs::list::list_runs,
        runs::cancel::cancel_run,
        runs::get::get_run,
        runs::input::give_input,
        runs::events::stream_events,
        runs::ticket::issue_ticket,
        runs::tool_result::get_tool_result,
        threads::create::create_thread,
        threads::list::list_threads,
        threads::get::get_thread,
        threads::update::update_thread,
        threads::delete::delete_thread,
        threads::retry::retry_thread,
        messages::post::post_message,
        messages::list::list_messages,
        messages::edit::edit_message,
        auth::register::register,
        auth::login::login,
        auth::refresh::refresh,
        auth::logout::logout,
        auth::reset::reset_password,
        auth::issue_reset::issue_reset,
        me::get::get_me,
        me::update::update_me,
        me::password::change_password,
        me::sessions::list::list_sessions,
        me::sessions::end::end_session,
        api_keys::create::create_api_key,
        api_keys::list::list_api_keys,
        api_keys::delete::delete_api_key,
        orgs::create::create_org,
        orgs::list::list_orgs,
        orgs::get::get_org,
        orgs::update::update_org,
        members::list::list_members,
        members::get::get_member,
        members::update::update_member,
        members::delete::delete_member,
        audit_log::list::list_audit_log,
        invitations::create::create_invitation,
        invitations::list::list_invitations,
        invitations::delete::delete_invitation,
        invitations::accept::accept_invitation,
        service_accounts::create::create_service_account,
        service_accounts::list::list_service_accounts,
        service_accounts::get::get_service_account,
        service_accounts::update::update_service_account,
        service_accounts::delete::delete_service_account,
        credits::get::get_credits,
        credits::entries::list_credit_entries,
        credits::topup::top_up_credits,
        credits::adjust::adjust_credits,
        budgets::create::create_budget,
        budgets::list::list_budgets,
        budgets::get::get_budget,
        budgets::update::update_budget,
        budgets::delete::delete_budget,
        usage::get::get_usage,
        llm_credentials::create::create_credential,
        llm_credentials::list::list_credentials,
        llm_credentials::get::get_credential,
        llm_credentials::update::update_credential,
        llm_credentials::delete::delete_credential,
        llm_credentials::test::test_credential,
        llm_routes::create::create_llm_route,
        llm_routes::list::list_llm_routes,
        llm_routes::get::get_llm_route,
        llm_routes::update::update_llm_route,
        llm_routes::delete::delete_llm_route,
        personas::create::create_persona,
        personas::list::list_personas,
        personas::get::get_persona,
        personas::delete::delete_persona,
        personas::create_version::create_persona_version,
        personas::list_versions::list_persona_versions,
        personas::get_version::get_persona_version,
        mcp_servers::create::create_mcp_server,
        mcp_servers::list::list_mcp_servers,
        mcp_servers::get::get_mcp_server,
        mcp_servers::update::update_mcp_server,
        mcp_servers::delete::delete_mcp_server,
        mcp_servers::tools::list_mcp_tools,
        mcp_servers::refresh::refresh_mcp_server,
        mcp_servers::approve::approve_mcp_tools,
        http_tools::create::create_http_tool,
        http_tools::list::list_http_tools,
        http_tools::get::get_http_tool,
        http_tools::update::update_http_tool,
        http_tools::delete::delete_http_tool,
        service::healthz::healthz,
        service::readyz::readyz,
        service::metrics::metrics,
    ),
    components(schemas(ErrorEnvelope)),
    modifiers(&Bearer, &OptionalBodies, &NeedsOfCallers, &Everywhere),
    security(("bearer" = [])),
    tags(
        (name = "runs", description = "Executions of an agent in a thread."),
        (name = "threads", description = "Conversations."),
        (name = "messages", description = "What was said in a thread."),
        (name = "accounts", description = "People and API keys."),
        (name = "organisations", description = "Organisations, their members, invitations and \
            service accounts."),
        (name = "money", description = "Credits, budgets and usage."),
        (name = "configuration", description = "Credentials of model providers, routes to \
            models, and personas."),
        (name = "tools", description = "Tools that organisations bring: MCP servers and HTTP \
            tools."),
        (name = "service", description = "For operators."),
    ),
)]
struct Document;

/// Access tokens and API keys are sent alike.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some("An access token, or an API key.".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(http));
    }
}

/// What an operation needs of its caller, as its handler's type says.
struct NeedsOfCallers;

impl Modify for NeedsOfCallers {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (method, path, needs) in routes::needs() {
            let Some(item) = document.paths.paths.get_mut(&path) else {
                continue;
            };
            let operation = match method {
                Method::GET => &mut item.get,
                Method::POST => &mut item.post,
                Method::PATCH => &mut item.patch,
                Method::DELETE => &mut item.delete,
                // HEAD goes with GET and isn't documented apart.
                _ => continue,
            };
            if let (Some(operation), Some(words)) = (operation, needs.words()) {
                let words = Extensions::builder().add("x-needs", words).build();
                operation.extensions.get_or_insert_default().merge(words);
            }
        }
    }
}

/// A body that may be left out may not be null either.
struct OptionalBodies;

impl Modify for OptionalBodies {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let operations = document.paths.paths.values_mut();
        for operation in operations.flat_map(|path| [path.post.as_mut(), path.patch.as_mut()]) {
            let Some(RefOr::T(body)) = operation.and_then(|it| it.request_body.as_mut()) else {
                continue;
            };
            for content in body.content.values_mut() {
                if let RefOr::T(content) = content {
                    not_null(&mut content.schema);
                }
            }
        }
    }
}

/// Of a choice between a named schema and null leaves the named one.
fn not_null(schema: &mut Option<RefOr<Schema>>) {
    if let Some(RefOr::T(Schema::OneOf(choice))) = schema {
        let named = choice
            .items
            .iter()
            .find(|item| matches!(item, RefOr::Ref(_)));
        *schema = named.cloned();
    }
}

static JSON: LazyLock<String> = LazyLock::new(|| {
    let mut json = Document::openapi()
        .to_pretty_json()
        .expect("the OpenAPI document encodes to JSON");
    json.push('\n');
    json
});

/// The OpenAPI document as JSON.
pub fn openapi_json() -> &'static str {
    &JSON
}
