//! Lists: limits, cursors, and the headers that lead to the next page.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header;
use runloom_domain::Timestamp;
use runloom_store::{Page, PageKey, Paged};
use serde::Serialize;
use uuid::Uuid;

use crate::extract::{FromQuery, QueryFields};

/// Rows of a page when nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// Rows of a page at most.
const MAX_LIMIT: u32 = 200;
/// Older than any row of a store.
const BEGINNING: Timestamp = Timestamp::from_micros(0);

impl FromQuery for Page {
    fn from_query(query: &mut QueryFields) -> Self {
        let limit = query.read("limit", |text| {
            // `parse` would also take a plus sign.
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let limit = text
                .parse()
                .ok()
                .filter(|n| digits && (1..=MAX_LIMIT).contains(n));
            limit.ok_or_else(|| format!("must be an integer from 1 to {MAX_LIMIT}"))
        });
        let before = query.read("before", |text| {
            PageKey::from_cursor(text).ok_or_else(|| "is not a cursor of X-Next-Cursor".to_owned())
        });
        Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            before,
        }
    }
}

/// Pages of an organisation's own rows followed by rows that stand in no store. The latter go
/// on where the former end, under the keys of rows that were made at the beginning of time.
pub(crate) fn followed_by<T, R>(
    own: Paged<T>,
    rest: &[R],
    page: Page,
    wire: impl Fn(&R) -> T,
) -> Paged<T> {
    if own.next.is_some() {
        return own;
    }
    let begun = page.before.filter(|key| key.created_at == BEGINNING);
    let begun = begun.map_or(0, |key| key.id.as_u128());
    let begun = usize::try_from(begun).unwrap_or(rest.len()).min(rest.len());
    let room = (page.limit as usize).saturating_sub(own.items.len());
    let end = rest.len().min(begun + room);
    let mut items = own.items;
    items.extend(rest[begun..end].iter().map(wire));
    let next = (end < rest.len()).then(|| PageKey {
        created_at: BEGINNING,
        id: Uuid::from_u128(end as u128),
    });
    Paged { items, next }
}

/// Answers with a page: a bare array, and headers that lead to the next one.
pub(crate) fn answer<T, W: Serialize>(
    request: &HttpRequest,
    page: Paged<T>,
    wire: impl FnMut(T) -> W,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        let cursor = next.cursor();
        let link = format!("<{}>; rel=\"next\"", next_target(request, &cursor));
        response.insert_header((header::LINK, link));
        response.insert_header(("x-next-cursor", cursor));
    }
    let rows: Vec<W> = page.items.into_iter().map(wire).collect();
    response.json(rows)
}

/// The request's own path and query with another `before`.
fn next_target(request: &HttpRequest, cursor: &str) -> String {
    let mut target = format!("{}?", request.path());
    let kept = request.query_string().split('&');
    for pair in kept.filter(|pair| !pair.is_empty() && !pair.starts_with("before=")) {
        target.push_str(pair);
        target.push('&');
    }
    target.push_str("before=");
    target.push_str(cursor);
    target
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn key() -> PageKey {
        PageKey {
            created_at: Timestamp::from_micros(1_767_225_600_123_456),
            id: Uuid::from_u128(7),
        }
    }

    #[test]
    fn rows_of_no_store_follow_those_of_one() {
        let page = |before, limit| Page { limit, before };
        let own = |items: &[i32], next| Paged {
            items: items.to_vec(),
            next,
        };
        let all = |own, page| followed_by(own, &[7, 8, 9], page, |n| *n);
        let more = all(own(&[1, 2], Some(key())), page(None, 2));
        assert_eq!((more.items, more.next), (vec![1, 2], Some(key())));
        let seam = all(own(&[3], None), page(Some(key()), 2));
        assert_eq!(seam.items, [3, 7]);
        let seam_key = seam.next.unwrap();
        assert_eq!(PageKey::from_cursor(&seam_key.cursor()), seam.next);
        let last = all(own(&[], None), page(seam.next, 2));
        assert_eq!((last.items, last.next), (vec![8, 9], None));
        let full = all(own(&[1, 2], None), page(None, 2));
        assert_eq!(full.items, [1, 2]);
        let first = all(own(&[], None), page(full.next, 1));
        assert_eq!(first.items, [7]);
        let nonsense = PageKey {
            created_at: BEGINNING,
            id: Uuid::max(),
        };
        assert!(
            all(own(&[], None), page(Some(nonsense), 2))
                .items
                .is_empty()
        );
    }

    #[test]
    fn the_link_keeps_the_rest_of_the_query() {
        let request =
            TestRequest::with_uri("/v1/runs?limit=2&before=x&status=failed").to_http_request();
        assert_eq!(
            next_target(&request, "C"),
            "/v1/runs?limit=2&status=failed&before=C"
        );
    }
}
