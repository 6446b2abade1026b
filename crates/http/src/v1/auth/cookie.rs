//! Refresh tokens in a cookie, for pages in a browser: no script can read it, and it is sent to
//! the paths of `/v1/auth` alone.
//!
//! A browser adds cookies to requests that other sites cause. So whoever sets or uses the cookie
//! must come from the server's own origin or from one that the operator allows.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use runloom_accounts::Secret;
use url::Url;

use crate::error::ApiError;
use crate::state::HttpState;

/// Browsers take a cookie of this name only over HTTPS, or from this machine.
const NAME: &str = "__Secure-runloom_refresh";

/// Hands a refresh token out as the cookie.
pub(super) fn set(response: &mut HttpResponse, token: &Secret, lives: Duration) {
    write(response, token.expose(), lives.as_secs());
}

/// Takes the cookie away.
pub(super) fn clear(response: &mut HttpResponse) {
    write(response, "", 0);
}

fn write(response: &mut HttpResponse, value: &str, seconds: u64) {
    let cookie = format!(
        "{NAME}={value}; Max-Age={seconds}; Path=/v1/auth; HttpOnly; Secure; SameSite=Strict"
    );
    // Our tokens are base64url, which a header can carry.
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The refresh token in the request's cookie.
pub(super) fn read(request: &HttpRequest) -> Option<Secret> {
    let lines = request.headers().get_all(header::COOKIE);
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let value = pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == NAME).then_some(value)
    });
    value.filter(|value| !value.is_empty()).map(Secret::from)
}

/// Refuses a request that another site causes. To be called before the cookie is set or used.
pub(super) fn check_origin(request: &HttpRequest, state: &HttpState) -> Result<(), ApiError> {
    if is_own(request.headers(), &state.settings().allowed_origins) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "auth.origin_refused",
        "cookies are for pages of this server and of the origins that its operator allows",
    ))
}

/// Whether the headers are those of a page of ours, or of no page at all.
fn is_own(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        let site = headers.get("sec-fetch-site");
        return site.is_none_or(|site| site != "cross-site");
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    allowed.iter().any(|allowed| allowed == origin) || is_of_host(origin, headers)
}

/// Whether an origin is that of the host to which the request is addressed. Its scheme can't be
/// told: in front of the server something may take care of TLS.
fn is_of_host(origin: &str, headers: &HeaderMap) -> bool {
    let parts = |url: &Url| {
        let host = url.host_str().map(str::to_owned);
        (host, url.port_or_known_default())
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let (Some(host), Ok(origin)) = (host, Url::parse(origin)) else {
        return false;
    };
    let addressed = Url::parse(&format!("{}://{host}", origin.scheme()));
    matches!(origin.scheme(), "http" | "https")
        && addressed.is_ok_and(|addressed| parts(&addressed) == parts(&origin))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn passes(headers: &[(&'static str, &str)]) -> bool {
        let request = headers
            .iter()
            .fold(TestRequest::default(), |request, header| {
                request.insert_header(*header)
            });
        let allowed = ["https://app.example.com".to_owned()];
        is_own(request.to_http_request().headers(), &allowed)
    }

    #[test]
    fn pages_of_our_own_and_of_allowed_origins_pass() {
        let host = ("host", "api.example.com");
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://api.example.com")],
            &[("origin", "http://api.example.com")],
            &[
                ("origin", "https://app.example.com"),
                ("sec-fetch-site", "cross-site"),
            ],
        ] {
            assert!(passes(&[&[host], headers].concat()), "{headers:?}");
        }
        let with_port = ("host", "127.0.0.1:8080");
        assert!(passes(&[with_port, ("origin", "http://127.0.0.1:8080")]));
        assert!(passes(&[("host", "x:443"), ("origin", "https://x")]));
    }

    #[test]
    fn others_do_not() {
        let host = ("host", "api.example.com");
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://api.example.com.evil.example")],
            &[("origin", "https://api.example.com:8443")],
            &[("origin", "https://app.example.com.evil.example")],
            &[("origin", "http://app.example.com")],
            &[("origin", "ftp://api.example.com")],
            &[("origin", "api.example.com")],
            &[("origin", "https://é.example")],
        ] {
            assert!(!passes(&[&[host], headers].concat()), "{headers:?}");
        }
        assert!(!passes(&[("origin", "https://api.example.com")]), "no host");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let token_of = |lines: &[&'static str]| {
            let request = lines.iter().fold(TestRequest::default(), |request, line| {
                request.append_header(("cookie", *line))
            });
            let found = read(&request.to_http_request());
            found.map(|token| token.expose().to_owned())
        };
        let found = Some("rlr_x".to_owned());
        assert_eq!(
            token_of(&["a=b; __Secure-runloom_refresh=rlr_x; c=d"]),
            found
        );
        assert_eq!(token_of(&["a=b", "__Secure-runloom_refresh=rlr_x"]), found);
        assert_eq!(
            token_of(&["runloom_refresh=rlr_x", "x__Secure-runloom_refresh=y"]),
            None
        );
        assert_eq!(token_of(&["__Secure-runloom_refresh="]), None);
        assert_eq!(token_of(&[]), None);
    }
}
