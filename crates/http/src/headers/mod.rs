//! Headers that every answer has, whoever makes it.

mod cors;
mod security;

use actix_web::HttpMessage as _;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;

use crate::limits::Spent;
use crate::state::HttpSettings;

pub(crate) use security::bare;

/// Adds to an answer what a browser must know of it, and what is left of the caller's quotas.
pub(crate) fn finish(
    response: ServiceResponse<BoxBody>,
    settings: Option<&HttpSettings>,
) -> ServiceResponse<BoxBody> {
    let mut response = match settings {
        Some(settings) => cors::share(response, &settings.allowed_origins),
        None => response,
    };
    let request = response.request();
    let is_private = request.path().starts_with("/v1/");
    let spent = request.extensions_mut().remove::<Spent>();
    let headers = response.headers_mut();
    security::set(
        headers,
        is_private,
        settings.map_or(0, |it| it.hsts_seconds),
    );
    if let Some(spent) = spent {
        spent.say(headers);
    }
    response
}
