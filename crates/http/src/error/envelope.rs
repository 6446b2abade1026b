//! The envelope's wire form, and errors that are complete without the middleware.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use runloom_domain::TraceId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ApiError;
use crate::headers;

/// What every failure looks like.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope {
    /// `area.reason`; stable, for programs.
    #[schema(example = "runs.not_found")]
    pub(crate) code: String,
    /// For people; may change.
    pub(crate) message: String,
    /// Names the request in the server's logs; 32 hexadecimal digits.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    pub(crate) trace_id: String,
    /// What exactly, by code; for `validation.error` the problem of each field by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) details: Option<Value>,
}

impl ApiError {
    /// The envelope of this failure.
    pub(crate) fn envelope(&self, trace_id: TraceId) -> ErrorEnvelope {
        ErrorEnvelope {
            code: self.0.code.to_owned(),
            message: self.0.message.to_string(),
            trace_id: trace_id.to_string(),
            details: self.0.details.clone(),
        }
    }
}

/// A failure outside the envelope middleware, with all that its answer needs.
#[derive(Debug)]
pub(crate) struct Traced {
    /// The failure.
    pub(crate) error: ApiError,
    /// The request.
    pub(crate) trace_id: TraceId,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Traced {
    fn status_code(&self) -> StatusCode {
        self.error.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let head = self.error.error_response();
        let mut response = HttpResponse::build(head.status());
        for (name, value) in head.headers() {
            response.append_header((name.clone(), value.clone()));
        }
        let mut response = response
            .insert_header((crate::middleware::X_TRACE_ID, self.trace_id.to_string()))
            .json(self.error.envelope(self.trace_id));
        headers::bare(response.headers_mut());
        response
    }
}
