use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::redirect;
use reqwest::{Client, ClientBuilder, Proxy};
use url::Url;

use super::resolve::{Filtered, REFUSED};
use super::{Policy, literal};

/// What a client's users decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// How long a connection may take to be there, names and TLS included. Default 10 s.
    pub connect_timeout: Duration,
    /// How long a request may take to the end of its answer's body. Default none: streams may
    /// be endless.
    pub total_timeout: Option<Duration>,
    /// Whether only HTTP/1.1 is spoken, in which dropping a stream closes its connection.
    /// Default no.
    pub http1_only: bool,
    /// Whether connections are kept for later requests. Default yes.
    pub keep_connections: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            total_timeout: None,
            http1_only: false,
            keep_connections: true,
        }
    }
}

/// The client can't be made: the system has no certificates, for instance.
#[derive(Debug, thiserror::Error)]
#[error("can't make an HTTP client")]
pub struct ClientError(#[source] reqwest::Error);

pub(super) fn build(
    options: &ClientOptions,
    policy: &Arc<Policy>,
    resolver: Arc<Filtered>,
) -> Result<Client, ClientError> {
    install_crypto();
    let mut builder = ClientBuilder::new()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .proxy(refused_literals(Arc::clone(policy)))
        .dns_resolver(resolver)
        .retry(reqwest::retry::never())
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(options.connect_timeout)
        .user_agent(concat!("runloom/", env!("CARGO_PKG_VERSION")));
    if let Some(total) = options.total_timeout {
        builder = builder.timeout(total);
    }
    if !options.keep_connections {
        builder = builder.pool_max_idle_per_host(0);
    }
    if options.http1_only {
        builder = builder.http1_only();
    }
    builder.build().map_err(ClientError)
}

/// Sends each connection to a refused address to a name that our resolver refuses. The client
/// asks no resolver about an address that stands in the URL, but it asks about a proxy for each
/// connection; so not even a caller that forgets to check a URL can reach one.
fn refused_literals(policy: Arc<Policy>) -> Proxy {
    Proxy::custom(move |url: &Url| {
        let refused = literal(url).is_some_and(|address| policy.check(address).is_err());
        refused.then(|| format!("http://{REFUSED}"))
    })
}

/// Makes ring the TLS provider of this process, unless the host has chosen one already.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the host was first, which is its right.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
