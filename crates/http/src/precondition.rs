//! ETags, and changes that only happen to the version that the client has seen.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::error::ApiError;

/// How often a change is tried again that others have come before, when the client doesn't mind.
pub(crate) const TRIES: usize = 5;

/// Answers with a thing in one of its versions.
pub(crate) fn tagged(version: u64, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, format!("\"{version}\"")))
        .json(body)
}

/// `If-Match`: the version that the client wants to change; `None` when any will do.
///
/// Of several it is the highest: versions only grow, so an earlier one can't be there any more.
/// A tag that isn't ours, or a weak one, is of no version that ever was.
#[derive(Clone, Copy)]
pub(crate) struct IfMatch(Option<u64>);

impl IfMatch {
    /// The request's.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let lines = request.headers().get_all(header::IF_MATCH);
        let tags = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
        let tags: Vec<&str> = tags.map(str::trim).collect();
        if tags.contains(&"*") {
            return Self(None);
        }
        Self(tags.into_iter().map(|tag| version(tag).unwrap_or(0)).max())
    }

    /// The version that must be there when the change is written.
    pub(crate) const fn version(self) -> Option<u64> {
        self.0
    }

    /// Lets the change go on if this is the version that the client has seen.
    pub(crate) fn check(self, version: u64) -> Result<(), ApiError> {
        match self.0 {
            Some(seen) if seen != version => Err(failed()),
            _ => Ok(()),
        }
    }
}

fn version(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    digits.parse().ok()
}

/// 412: it is not what the client has seen.
pub(crate) fn failed() -> ApiError {
    ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition.failed",
        "it has been changed since; read it again",
    )
}

/// 409: others change it all the time.
pub(crate) fn contended() -> ApiError {
    ApiError::conflict(
        "request.contended",
        "others are changing the same thing; try again",
    )
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn lets_pass(lines: &[&str], version: u64) -> bool {
        let request = lines.iter().fold(TestRequest::default(), |request, line| {
            request.append_header((header::IF_MATCH, *line))
        });
        IfMatch::of(&request.to_http_request())
            .check(version)
            .is_ok()
    }

    #[test]
    fn only_what_was_seen_is_changed() {
        assert!(lets_pass(&[], 3));
        assert!(lets_pass(&["*"], 3));
        assert!(lets_pass(&["\"3\""], 3));
        assert!(lets_pass(&["\"1\" , \"3\""], 3));
        assert!(lets_pass(&["\"3\"", "\"1\""], 3));
        assert!(!lets_pass(&["\"3\", \"4\""], 3));
        for other in ["\"4\"", "3", "W/\"3\"", "", "\"3", "\"33\""] {
            assert!(!lets_pass(&[other], 3), "{other}");
        }
    }
}
