//! Every route, a line each.

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::guard::{self, Guard};
use actix_web::http::{Method, header};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Route};

use crate::error::{ApiError, ApiResult};
use crate::extract::{Declared, Needs, discard};
use crate::v1::{
    api_keys, audit_log, auth, budgets, credits, http_tools, invitations, llm_credentials,
    llm_routes, mcp_servers, me, members, messages, orgs, personas, runs, service_accounts,
    threads, usage,
};
use crate::{docs, service};

/// Registers all routes. Of two patterns that fit a path the first is taken.
pub(crate) fn routes(cfg: &mut ServiceConfig) {
    for path in paths() {
        cfg.service(path);
    }
    cfg.default_service(web::to(unknown_path));
}

/// A path as people write it, without the patterns of its parameters.
pub(crate) fn documented(path: &str) -> String {
    path.replace(":[^/:]+}", "}")
}

/// What each route needs of its caller: its method, its documented path, and that.
pub(crate) fn needs() -> Vec<(Method, String, Needs)> {
    let of_path = |at: At| {
        let path = documented(at.path);
        let needs = at.needs.into_iter();
        needs.map(move |(method, needs)| (method, path.clone(), needs))
    };
    paths().into_iter().flat_map(of_path).collect()
}

/// An id is a segment without a colon, so that `{id}:verb` is never taken for one.
fn paths() -> Vec<At> {
    vec![
        At::new("/v1/threads/{thread_id:[^/:]+}/runs")
            .post(runs::create::create_run)
            .get(runs::list_thread::list_thread_runs),
        At::new("/v1/runs").get(runs::list::list_runs),
        At::new("/v1/runs/{run_id:[^/:]+}:cancel").post(runs::cancel::cancel_run),
        At::new("/v1/runs/{run_id:[^/:]+}").get(runs::get::get_run),
        At::new("/v1/runs/{run_id:[^/:]+}/input").post(runs::input::give_input),
        At::new("/v1/runs/{run_id:[^/:]+}/events").stream(runs::events::stream_events),
        At::new("/v1/runs/{run_id:[^/:]+}/events:ticket").post(runs::ticket::issue_ticket),
        At::new("/v1/runs/{run_id:[^/:]+}/tool-results/{tool_call_id:[^/:]+}")
            .get(runs::tool_result::get_tool_result),
        At::new("/v1/threads")
            .post(threads::create::create_thread)
            .get(threads::list::list_threads),
        At::new("/v1/threads/{thread_id:[^/:]+}")
            .get(threads::get::get_thread)
            .patch(threads::update::update_thread)
            .delete(threads::delete::delete_thread),
        At::new("/v1/threads/{thread_id:[^/:]+}:retry").post(threads::retry::retry_thread),
        At::new("/v1/threads/{thread_id:[^/:]+}/messages")
            .post(messages::post::post_message)
            .get(messages::list::list_messages),
        At::new("/v1/threads/{thread_id:[^/:]+}/messages/{message_id:[^/:]+}")
            .patch(messages::edit::edit_message),
        At::new("/v1/auth/register").post(auth::register::register),
        At::new("/v1/auth/login").post(auth::login::login),
        At::new("/v1/auth/refresh").post(auth::refresh::refresh),
        At::new("/v1/auth/logout").post(auth::logout::logout),
        At::new("/v1/auth/reset").post(auth::reset::reset_password),
        At::new("/v1/members/{user_id:[^/:]+}:reset-password").post(auth::issue_reset::issue_reset),
        At::new("/v1/me")
            .get(me::get::get_me)
            .patch(me::update::update_me),
        At::new("/v1/me/password").post(me::password::change_password),
        At::new("/v1/me/sessions").get(me::sessions::list::list_sessions),
        At::new("/v1/me/sessions/{session_id:[^/:]+}").delete(me::sessions::end::end_session),
        At::new("/v1/api-keys")
            .post(api_keys::create::create_api_key)
            .get(api_keys::list::list_api_keys),
        At::new("/v1/api-keys/{api_key_id:[^/:]+}").delete(api_keys::delete::delete_api_key),
        At::new("/v1/orgs")
            .post(orgs::create::create_org)
            .get(orgs::list::list_orgs),
        At::new("/v1/org")
            .get(orgs::get::get_org)
            .patch(orgs::update::update_org),
        At::new("/v1/members").get(members::list::list_members),
        At::new("/v1/members/{user_id:[^/:]+}")
            .get(members::get::get_member)
            .patch(members::update::update_member)
            .delete(members::delete::delete_member),
        At::new("/v1/audit-log").get(audit_log::list::list_audit_log),
        At::new("/v1/invitations")
            .post(invitations::create::create_invitation)
            .get(invitations::list::list_invitations),
        At::new("/v1/invitations:accept").post(invitations::accept::accept_invitation),
        At::new("/v1/invitations/{invitation_id:[^/:]+}")
            .delete(invitations::delete::delete_invitation),
        At::new("/v1/service-accounts")
            .post(service_accounts::create::create_service_account)
            .get(service_accounts::list::list_service_accounts),
        At::new("/v1/service-accounts/{user_id:[^/:]+}")
            .get(service_accounts::get::get_service_account)
            .patch(service_accounts::update::update_service_account)
            .delete(service_accounts::delete::delete_service_account),
        At::new("/v1/credits").get(credits::get::get_credits),
        At::new("/v1/credits:topup").post(credits::topup::top_up_credits),
        At::new("/v1/credits:adjust").post(credits::adjust::adjust_credits),
        At::new("/v1/credits/entries").get(credits::entries::list_credit_entries),
        At::new("/v1/budgets")
            .post(budgets::create::create_budget)
            .get(budgets::list::list_budgets),
        At::new("/v1/budgets/{budget_id:[^/:]+}")
            .get(budgets::get::get_budget)
            .patch(budgets::update::update_budget)
            .delete(budgets::delete::delete_budget),
        At::new("/v1/usage").get(usage::get::get_usage),
        At::new("/v1/llm-credentials")
            .post(llm_credentials::create::create_credential)
            .get(llm_credentials::list::list_credentials),
        At::new("/v1/llm-credentials/{credential_id:[^/:]+}")
            .get(llm_credentials::get::get_credential)
            .patch(llm_credentials::update::update_credential)
            .delete(llm_credentials::delete::delete_credential),
        At::new("/v1/llm-credentials/{credential_id:[^/:]+}:test")
            .post(llm_credentials::test::test_credential),
        At::new("/v1/llm-routes")
            .post(llm_routes::create::create_llm_route)
            .get(llm_routes::list::list_llm_routes),
        // Names may hold colons.
        At::new("/v1/llm-routes/{route_id}")
            .get(llm_routes::get::get_llm_route)
            .patch(llm_routes::update::update_llm_route)
            .delete(llm_routes::delete::delete_llm_route),
        At::new("/v1/personas")
            .post(personas::create::create_persona)
            .get(personas::list::list_personas),
        At::new("/v1/personas/{persona_key}")
            .get(personas::get::get_persona)
            .delete(personas::delete::delete_persona),
        At::new("/v1/personas/{persona_key}/versions")
            .post(personas::create_version::create_persona_version)
            .get(personas::list_versions::list_persona_versions),
        At::new("/v1/personas/{persona_key}/versions/{version}")
            .get(personas::get_version::get_persona_version),
        At::new("/v1/mcp-servers")
            .post(mcp_servers::create::create_mcp_server)
            .get(mcp_servers::list::list_mcp_servers),
        At::new("/v1/mcp-servers/{server_id:[^/:]+}")
            .get(mcp_servers::get::get_mcp_server)
            .patch(mcp_servers::update::update_mcp_server)
            .delete(mcp_servers::delete::delete_mcp_server),
        At::new("/v1/mcp-servers/{server_id:[^/:]+}/tools").get(mcp_servers::tools::list_mcp_tools),
        At::new("/v1/mcp-servers/{server_id:[^/:]+}:refresh")
            .post(mcp_servers::refresh::refresh_mcp_server),
        At::new("/v1/mcp-servers/{server_id:[^/:]+}:approve")
            .post(mcp_servers::approve::approve_mcp_tools),
        At::new("/v1/http-tools")
            .post(http_tools::create::create_http_tool)
            .get(http_tools::list::list_http_tools),
        At::new("/v1/http-tools/{tool_id:[^/:]+}")
            .get(http_tools::get::get_http_tool)
            .patch(http_tools::update::update_http_tool)
            .delete(http_tools::delete::delete_http_tool),
        At::new("/healthz").get(service::healthz::healthz),
        At::new("/readyz").get(service::readyz::readyz),
        At::new("/metrics").get(service::metrics::metrics),
        At::new("/openapi.json").get(docs::openapi_document),
        At::new("/docs").get(docs::page),
        At::new("/docs/{file}").get(docs::file),
    ]
}

/// A path and its methods; any other method is answered with 405 and `Allow`.
struct At {
    path: &'static str,
    allow: Vec<Method>,
    routes: Vec<Route>,
    needs: Vec<(Method, Needs)>,
}

/// The arguments of a handler.
trait Handled: FromRequest + Declared + 'static {}

impl<A: FromRequest + Declared + 'static> Handled for A {}

impl At {
    fn new(path: &'static str) -> Self {
        Self {
            path,
            allow: Vec::new(),
            routes: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// GET, and HEAD with it.
    fn get<F: Handler<A, Output = ApiResult>, A: Handled>(self, handler: F) -> Self {
        let read = guard::Any(guard::Get()).or(guard::Head());
        self.on(&[Method::GET, Method::HEAD], read, handler)
    }

    /// GET alone: a HEAD would open a stream that nobody reads.
    fn stream<F: Handler<A, Output = ApiResult>, A: Handled>(self, handler: F) -> Self {
        self.on(&[Method::GET], guard::Get(), handler)
    }

    fn post<F: Handler<A, Output = ApiResult>, A: Handled>(self, handler: F) -> Self {
        self.on(&[Method::POST], guard::Post(), handler)
    }

    fn patch<F: Handler<A, Output = ApiResult>, A: Handled>(self, handler: F) -> Self {
        self.on(&[Method::PATCH], guard::Patch(), handler)
    }

    fn delete<F: Handler<A, Output = ApiResult>, A: Handled>(self, handler: F) -> Self {
        self.on(&[Method::DELETE], guard::Delete(), handler)
    }

    fn on<F, A>(mut self, methods: &[Method], guard: impl Guard + 'static, handler: F) -> Self
    where
        F: Handler<A, Output = ApiResult>,
        A: Handled,
    {
        self.allow.extend_from_slice(methods);
        self.needs
            .extend(methods.iter().map(|method| (method.clone(), A::NEEDS)));
        self.routes.push(web::route().guard(guard).to(handler));
        self
    }
}

impl HttpServiceFactory for At {
    fn register(self, config: &mut AppService) {
        let allow: Vec<&str> = self.allow.iter().map(Method::as_str).collect();
        let allow = allow.join(", ");
        let refuse = web::to(move |request: HttpRequest, payload: web::Payload| {
            let error = wrong_method(&allow);
            async move { refuse(request, payload, error).await }
        });
        let resource = web::resource(self.path).default_service(refuse);
        let add = |resource: Resource, route| resource.route(route);
        let routes = self.routes.into_iter();
        routes.fold(resource, add).register(config);
    }
}

fn wrong_method(allow: &str) -> ApiError {
    ApiError::new(
        actix_web::http::StatusCode::METHOD_NOT_ALLOWED,
        "request.method_not_allowed",
        "this path does not take this method",
    )
    .header(header::ALLOW, allow)
}

async fn unknown_path(request: HttpRequest, payload: web::Payload) -> ApiResult {
    let error = ApiError::not_found("request.unknown_path", "there is nothing at this path");
    refuse(request, payload, error).await
}

async fn refuse(request: HttpRequest, payload: web::Payload, error: ApiError) -> ApiResult {
    Err(discard(&request, &mut payload.into_inner(), error).await)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_route_is_documented_and_the_other_way_round() {
        let served: BTreeSet<(String, String)> = paths()
            .iter()
            .filter(|at| !at.path.starts_with("/docs") && at.path != "/openapi.json")
            .flat_map(|at| {
                let methods = at.allow.iter().filter(|method| *method != Method::HEAD);
                methods.map(|method| (documented(at.path), method.as_str().to_ascii_lowercase()))
            })
            .collect();
        let document: Value = serde_json::from_str(crate::openapi_json()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(|method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(served, described);
    }
}
