//! Registering and signing in.

pub(crate) mod login;
pub(crate) mod register;

use actix_web::HttpResponse;
use actix_web::http::header;
use runloom_accounts::Secret;

use crate::extract::{Fields, Size};

/// The longest login and e-mail address that are looked at.
const NAME: Size = Size::Chars(1, 320);
/// The longest password that is looked at; accounts decide what is accepted.
const PASSWORD: Size = Size::Chars(1, 1_024);

/// Tokens must not stay in a cache.
fn uncached(mut response: HttpResponse) -> HttpResponse {
    let value = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}

fn password(fields: &mut Fields) -> Secret {
    fields.text("password", PASSWORD).into()
}
