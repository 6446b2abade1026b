//! Routes: ways to models, an organisation's own and the platform's.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
mod patch;
mod shown;
pub(crate) mod update;

use runloom_domain::OrgId;
use runloom_store::{RouteRefusal, RouteSettings};

pub(crate) use shown::LlmRoute;

use crate::error::ApiError;
use crate::state::HttpState;

fn not_found() -> ApiError {
    ApiError::not_found("routes.not_found", "there is no such route")
}

/// What changing a route of the platform is answered with.
fn of_platform(state: &HttpState, name: &str) -> ApiError {
    if platform_has(state, name) {
        ApiError::conflict(
            "routes.platform",
            "the route belongs to the platform and can't be changed",
        )
    } else {
        not_found()
    }
}

fn platform_has(state: &HttpState, name: &str) -> bool {
    let routes = &state.configuring().platform.routes;
    routes.iter().any(|entry| entry.route.route_id == name)
}

/// The kind of the route's credential, if it and the platform's route that it falls back to are
/// there. An own fallback is looked for when the route is written.
async fn check(
    state: &HttpState,
    org: OrgId,
    settings: &RouteSettings,
) -> Result<String, ApiError> {
    let fallback = settings.fallback.as_deref();
    let is_platforms = settings.own_fallback().is_none();
    if let Some(name) = fallback.filter(|name| is_platforms && !platform_has(state, name)) {
        let problem = format!("{name} is no route");
        return Err(ApiError::invalid_field("fallback_route_id", problem));
    }
    let store = state.store();
    let credential = store.credential(org, settings.credential_id);
    let credential = state.read(credential).await?;
    let credential = credential.ok_or(RouteRefusal::NoCredential)?;
    Ok(credential.provider)
}

impl From<RouteRefusal> for ApiError {
    fn from(refusal: RouteRefusal) -> Self {
        match refusal {
            RouteRefusal::NoCredential => {
                Self::invalid_field("credential_id", "there is no such credential")
            }
            RouteRefusal::NoFallback => {
                Self::invalid_field("fallback_route_id", "there is no such route")
            }
            RouteRefusal::Circle => Self::invalid_field(
                "fallback_route_id",
                "falls back to the route itself in the end",
            ),
            RouteRefusal::TooMany => Self::conflict(
                "routes.limit_exceeded",
                "the organisation has as many routes as it may",
            ),
        }
    }
}
