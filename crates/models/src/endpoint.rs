//! Where providers are reached.

use std::fmt;

use http::HeaderValue;
use reqwest::Url;

/// A provider's endpoint as configured.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address to which `chat/completions` is added, such as `https://api.openai.com/v1`;
    /// http or https, without a user name in it.
    pub base_url: String,
    /// The credential; none for endpoints that ask for none.
    pub api_key: Option<ApiKey>,
}

/// A provider's secret. It is shown by no formatter.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Whether `text`, which is in lower case, holds the secret.
    pub(crate) fn is_in_lowercase(&self, text: &str) -> bool {
        text.contains(&self.0.trim().to_lowercase())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// The endpoint of a route can't be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The address isn't one.
    #[error("the base URL of route {route_id} is not an http or https URL")]
    BadUrl {
        /// Which route.
        route_id: String,
    },
    /// The address holds a secret, which would end in logs.
    #[error("the base URL of route {route_id} holds a user name or a password")]
    SecretInUrl {
        /// Which route.
        route_id: String,
    },
    /// The key can't be sent.
    #[error("the API key of route {route_id} has characters that no HTTP header can hold")]
    BadKey {
        /// Which route.
        route_id: String,
    },
    /// No HTTP client can be made.
    #[error("can't set up the HTTP client")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An endpoint that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Ends in a slash.
    pub(crate) base: Url,
    pub(crate) api_key: Option<ApiKey>,
    /// The value of the `Authorization` header.
    pub(crate) bearer: Option<HeaderValue>,
}

impl Target {
    pub(crate) fn new(route_id: &str, endpoint: Endpoint) -> Result<Self, EndpointError> {
        let route_id = || route_id.to_owned();
        let base = Url::parse(&endpoint.base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| EndpointError::BadUrl {
                route_id: route_id(),
            })?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(EndpointError::SecretInUrl {
                route_id: route_id(),
            });
        }
        let key = endpoint.api_key.filter(|key| !key.0.trim().is_empty());
        let bearer = key.as_ref().map(bearer).transpose();
        Ok(Self {
            base: with_slash(base),
            bearer: bearer.map_err(|()| EndpointError::BadKey {
                route_id: route_id(),
            })?,
            api_key: key,
        })
    }
}

fn bearer(key: &ApiKey) -> Result<HeaderValue, ()> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.0.trim())).map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Without the slash, joining a path would replace the last segment.
fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(base_url: &str, key: &str) -> Result<Target, EndpointError> {
        let endpoint = Endpoint {
            base_url: base_url.into(),
            api_key: Some(ApiKey::new(key)),
        };
        Target::new("r", endpoint)
    }

    #[test]
    fn urls_are_checked() {
        let base = |url| target(url, "k").map(|t| t.base.to_string());
        assert_eq!(base("https://a.test/v1").unwrap(), "https://a.test/v1/");
        assert_eq!(base("http://[::1]:1/").unwrap(), "http://[::1]:1/");
        for bad in ["", "a.test/v1", "file:///etc", "ftp://a.test"] {
            assert!(
                matches!(base(bad), Err(EndpointError::BadUrl { .. })),
                "{bad}"
            );
        }
        let secret = base("https://u:p@a.test/");
        assert!(matches!(secret, Err(EndpointError::SecretInUrl { .. })));
    }

    #[test]
    fn keys_are_checked_and_never_shown() {
        assert!(matches!(
            target("http://a.test", "a\nb"),
            Err(EndpointError::BadKey { .. })
        ));
        let shown = format!("{:?}", target("http://a.test", "canary").unwrap());
        assert!(!shown.contains("canary"), "{shown}");
        assert!(target("http://a.test", " ").unwrap().bearer.is_none());
    }
}
