//! The one error type of the API, which becomes the one envelope.

mod envelope;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use runloom_engine::port::catalog::CatalogError;
use runloom_engine::port::tool::SourceError;
use runloom_store::StoreError;
use serde_json::Value;

pub(crate) use envelope::{ErrorEnvelope, Traced};

/// What a handler returns.
pub(crate) type ApiResult = Result<HttpResponse, ApiError>;

/// A failure as a client is told of it.
///
/// [`ResponseError::error_response`] yields status and headers only: the body needs the
/// request's trace id, so the envelope middleware writes it.
pub(crate) struct ApiError(Box<Failure>);

struct Failure {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    details: Option<Value>,
    headers: Vec<(header::HeaderName, String)>,
    close: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with a request, by field.
pub(crate) type FieldErrors = BTreeMap<String, String>;

impl ApiError {
    /// An error with its status, its code of the form `area.reason`, and words for a person.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Failure {
            status,
            code,
            message: message.into(),
            details: None,
            headers: Vec::new(),
            close: false,
            source: None,
        }))
    }

    /// 404 `code`: what is absent and what belongs to others read the same.
    pub(crate) fn not_found(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 409 `code`.
    pub(crate) fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 410 `code`: it was there, and won't be again.
    pub(crate) fn gone(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::GONE, code, message)
    }

    /// 422 `code`: well formed, but not possible.
    pub(crate) fn unprocessable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// 422 `validation.error`, whose details name each field.
    pub(crate) fn invalid(fields: &FieldErrors) -> Self {
        let mut error = Self::unprocessable("validation.error", "the request is not valid");
        error.0.details = Some(
            fields
                .iter()
                .map(|(k, v)| (k.clone(), v.as_str()))
                .collect(),
        );
        error
    }

    /// 422 `validation.error` for one field.
    pub(crate) fn invalid_field(field: &str, problem: impl Into<String>) -> Self {
        Self::invalid(&FieldErrors::from([(field.to_owned(), problem.into())]))
    }

    /// 401 `auth.unauthorized`.
    pub(crate) fn unauthorized(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "auth.unauthorized", message)
            .header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// 500 `internal.error`; the source goes to the log, not to the client.
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal.error",
            "something went wrong on our side",
        );
        error.0.source = Some(source.into());
        error
    }

    /// 503 `code`, to be tried again after a while.
    pub(crate) fn unavailable(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
            .retry_after(Duration::from_secs(2))
    }

    /// Adds machine-readable details.
    pub(crate) fn details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Adds a header; one that can't be a header value is left out.
    pub(crate) fn header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// Adds `Retry-After`, in whole seconds, at least one.
    pub(crate) fn retry_after(self, after: Duration) -> Self {
        let seconds = after.as_secs().max(1);
        self.header(header::RETRY_AFTER, seconds.to_string())
    }

    /// Closes the connection after the answer, since its request was not read to the end.
    pub(crate) fn closing(mut self) -> Self {
        self.0.close = true;
        self
    }

    /// Adds what the log is told.
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What caused it, for the log.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.0.source.as_deref()
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("code", &self.0.code)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        for (name, value) in &self.0.headers {
            response.insert_header((name.clone(), value.as_str()));
        }
        if self.0.close {
            response.force_close();
        }
        response.finish()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let known = match &error {
            StoreError::Unavailable(_) => Self::unavailable(
                "service.database_unavailable",
                "the database can't be reached; try again",
            ),
            StoreError::Full(_) => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "service.storage_full",
                "there is no room for writes; reads still work",
            ),
            _ => return Self::internal(error),
        };
        known.caused_by(error)
    }
}

/// Where an organisation's tools come from fails as its configuration does.
impl From<SourceError> for ApiError {
    fn from(SourceError(source): SourceError) -> Self {
        CatalogError(source).into()
    }
}

/// A configuration that is kept in the store fails as the store does.
impl From<CatalogError> for ApiError {
    fn from(CatalogError(source): CatalogError) -> Self {
        match source.downcast::<StoreError>() {
            Ok(error) => Self::from(*error),
            Err(other) => Self::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_not_our_mistake() {
        let answer = |error: StoreError| {
            let error = ApiError::from(error);
            let again = error.error_response().headers().contains_key("retry-after");
            (error.status_code().as_u16(), error.0.code, again)
        };
        assert_eq!(
            answer(StoreError::Unavailable("gone".into())),
            (503, "service.database_unavailable", true)
        );
        let catalog = CatalogError(StoreError::Unavailable("gone".into()).into());
        assert_eq!(ApiError::from(catalog).status_code().as_u16(), 503);
        let catalog = CatalogError("odd".into());
        assert_eq!(ApiError::from(catalog).status_code().as_u16(), 500);
        assert_eq!(
            answer(StoreError::Full("full".into())),
            (507, "service.storage_full", false)
        );
        assert_eq!(
            answer(StoreError::Rejected("odd".into())),
            (500, "internal.error", false)
        );
    }
}
