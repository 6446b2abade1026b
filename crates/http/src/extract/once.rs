//! `Idempotency-Key`: a creating request that happens once.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse};
use runloom_store::{Idempotency, KeyConflict, Once, StoredAnswer};
use serde::Serialize;

use crate::error::{ApiError, ApiResult};

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// What a creating request is answered with, known before anything is written.
pub(crate) struct Answer {
    status: StatusCode,
    body: String,
    replayed: bool,
}

impl Answer {
    /// The answer of a request that creates something: 201.
    pub(crate) fn created(body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: StatusCode::CREATED,
            body: serde_json::to_string(body).map_err(ApiError::internal)?,
            replayed: false,
        })
    }

    /// An answer that was given before.
    pub(crate) fn stored(answer: StoredAnswer) -> Self {
        Self {
            status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
            body: answer.body,
            replayed: true,
        }
    }

    /// Answers now.
    pub(crate) fn respond(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header(ContentType::json());
        if self.replayed {
            response.insert_header(("idempotency-replayed", "true"));
        }
        response.body(self.body)
    }

    /// The form that is kept for repeats.
    fn kept(&self) -> StoredAnswer {
        StoredAnswer {
            status: self.status.as_u16(),
            body: self.body.clone(),
        }
    }

    /// Answers by what became of a request whose own answer is made when it happened now.
    pub(crate) fn of<T>(
        once: Once<T>,
        fresh: impl FnOnce(T) -> Result<Self, ApiError>,
    ) -> ApiResult {
        match once {
            Once::Done(outcome) => Ok(fresh(outcome)?.respond()),
            Once::Replayed(answer) => Ok(Self::stored(answer).respond()),
            Once::Conflict(conflict) => Err(conflict.into()),
        }
    }

    /// Answers by what became of the request; `fresh` answers when it happened now.
    pub(crate) fn settle<T>(
        self,
        once: Once<T>,
        fresh: impl FnOnce(Self, T) -> ApiResult,
    ) -> ApiResult {
        match once {
            Once::Done(outcome) => fresh(self, outcome),
            Once::Replayed(answer) => Ok(Self::stored(answer).respond()),
            Once::Conflict(conflict) => Err(conflict.into()),
        }
    }
}

/// A request that shall happen once.
pub(crate) struct OnceKey {
    principal: String,
    operation: String,
    key: String,
    body_hash: [u8; 32],
}

impl OnceKey {
    /// The request's key, if it has one.
    pub(super) fn read(
        request: &HttpRequest,
        principal: &str,
        body_hash: impl FnOnce() -> [u8; 32],
    ) -> Result<Option<Self>, ApiError> {
        Ok(key(request)?.map(|key| Self {
            principal: principal.to_owned(),
            operation: format!("{} {}", request.method(), request.path()),
            key,
            body_hash: body_hash(),
        }))
    }

    /// What the store needs: the key, and what repeats are answered with.
    pub(crate) fn answered(self, answer: &Answer) -> Idempotency {
        Idempotency {
            principal: self.principal,
            operation: self.operation,
            key: self.key,
            body_hash: self.body_hash,
            answer: answer.kept(),
        }
    }
}

/// The request's key: visible ASCII, at most 255 bytes.
fn key(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= MAX_KEY)
        .filter(|key| key.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(ApiError::invalid_field(
            "Idempotency-Key",
            format!("must be one header of 1 to {MAX_KEY} printable ASCII characters"),
        )),
    }
}

impl From<KeyConflict> for ApiError {
    fn from(conflict: KeyConflict) -> Self {
        match conflict {
            KeyConflict::Reused => Self::conflict(
                "idempotency.key_reused",
                "this Idempotency-Key was used with another body",
            ),
            KeyConflict::InProgress => Self::conflict(
                "idempotency.in_progress",
                "a request with this Idempotency-Key is under way; try again",
            )
            .retry_after(std::time::Duration::from_secs(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn keys_are_printable_and_bounded() {
        let read =
            |key: &str| key_of(TestRequest::default().insert_header(("idempotency-key", key)));
        assert_eq!(read("a b~").unwrap().as_deref(), Some("a b~"));
        assert_eq!(read(&"k".repeat(255)).unwrap().unwrap().len(), 255);
        for bad in ["", "é", "\t", &"k".repeat(256)] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert_eq!(key_of(TestRequest::default()).unwrap(), None);
        let twice = TestRequest::default()
            .append_header(("idempotency-key", "a"))
            .append_header(("idempotency-key", "b"));
        assert!(key_of(twice).is_err());
    }

    fn key_of(request: TestRequest) -> Result<Option<String>, ApiError> {
        key(&request.to_http_request())
    }
}
