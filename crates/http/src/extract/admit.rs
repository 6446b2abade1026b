//! Who comes too often: the limits of whoever makes a request, as soon as that is known.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, ResponseError as _};
use runloom_accounts::Caller;

use super::client_address;
use crate::error::ApiError;
use crate::limits::{Spent, whole_seconds};
use crate::state::HttpState;

/// Counts a request of somebody whose credential was checked. One that isn't valid counts by
/// address, so that guessing has an end. After the check, though it may have read a row: a valid
/// credential isn't kept out by what others behind its address do.
pub(crate) fn admit(
    request: &HttpRequest,
    state: &HttpState,
    outcome: Result<Caller, ApiError>,
) -> Result<Caller, ApiError> {
    match &outcome {
        Ok(caller) => count(request, state.rates().of_caller(caller))?,
        Err(error) if error.status_code() == StatusCode::UNAUTHORIZED => {
            admit_anyone(request, state)?;
        }
        Err(_) => {}
    }
    outcome
}

/// Counts a request of somebody unknown.
pub(crate) fn admit_anyone(request: &HttpRequest, state: &HttpState) -> Result<(), ApiError> {
    count(request, state.rates().of_address(client_address(request)))
}

fn count(request: &HttpRequest, spent: Spent) -> Result<(), ApiError> {
    if spent.is_empty() {
        return Ok(());
    }
    let refused = spent.refused();
    request.extensions_mut().insert(spent);
    match refused {
        None => Ok(()),
        Some(wait) => Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "service.rate_limited",
            "too many requests; try again later",
        )
        .retry_after(Duration::from_secs(whole_seconds(wait)))),
    }
}
