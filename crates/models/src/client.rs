//! The HTTP client.

use std::sync::Once;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

/// A client that does what it is told and nothing more: no redirects, no proxy from the
/// environment, no retries, no decompression.
///
/// HTTP/1.1 only, so that dropping a stream closes its connection, which every provider takes
/// for a cancel at once.
pub(crate) fn http_client() -> reqwest::Result<Client> {
    install_crypto();
    ClientBuilder::new()
        .redirect(Policy::none())
        .no_proxy()
        .retry(reqwest::retry::never())
        .no_gzip()
        .http1_only()
        .tcp_nodelay(true)
        .referer(false)
        .user_agent(concat!("runloom/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Makes ring the TLS provider of this process, unless the host has chosen one already.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the host was first, which is its right.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
