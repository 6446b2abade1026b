//! Secrets in request bodies and answers.

use actix_web::HttpResponse;
use actix_web::http::header;
use runloom_accounts::Secret;
use serde_json::Value;

use crate::extract::Fields;

/// A secret that ends up in a header: of visible ASCII, so many characters.
pub(crate) fn visible(
    fields: &mut Fields,
    name: &str,
    (min, max): (usize, usize),
) -> Option<Secret> {
    let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    fields.read(name, |value| {
        taken(value, |text| {
            (min..=max).contains(&text.len()) && visible(text)
        })?
        .ok_or_else(|| format!("must be {min} to {max} visible ASCII characters"))
    })
}

/// The whole value of a header: as above, with blanks inside.
pub(crate) fn header_value(fields: &mut Fields, name: &str, max: usize) -> Option<Secret> {
    fields.read(name, |value| {
        taken(value, |text| {
            (1..=max).contains(&text.len()) && is_header_value(text)
        })?
        .ok_or_else(|| format!("must be 1 to {max} printable ASCII characters"))
    })
}

/// Whether a text may be the value of a header.
pub(crate) fn is_header_value(text: &str) -> bool {
    text.trim() == text && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn taken(value: Value, fits: impl FnOnce(&str) -> bool) -> Result<Option<Secret>, String> {
    match value {
        Value::String(text) => Ok(fits(&text).then(|| Secret::from(text))),
        _ => Err("must be a string".to_owned()),
    }
}

/// An answer that must not stay in a cache.
pub(crate) fn uncached(mut response: HttpResponse) -> HttpResponse {
    let value = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}
