//! Where providers are reached.

use std::fmt;

use http::{HeaderName, HeaderValue};
use reqwest::Url;

use crate::kind::Kind;

/// Where a provider is reached, and with what credential.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address to which the path of the API is added, such as `https://api.openai.com/v1`;
    /// http or https, without a user name in it. None is the kind's own address.
    pub base_url: Option<String>,
    /// Who chose that address, or the kind.
    pub url_owner: UrlOwner,
    /// The credential; none for endpoints that ask for none.
    pub api_key: Option<ApiKey>,
}

/// Who chose an address. What an organisation chose must not lead into the operator's network,
/// so it is called with a client of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlOwner {
    /// Who runs the server.
    Operator,
    /// An organisation.
    Tenant,
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

    fn header(&self, prefix: &str) -> Result<HeaderValue, EndpointProblem> {
        let value = HeaderValue::from_str(&format!("{prefix}{}", self.0.trim()));
        let mut value = value.map_err(|_| EndpointProblem::BadKey)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// Why an endpoint can't be used. The texts can be shown to those who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointProblem {
    /// There is no address.
    #[error("it needs a base URL")]
    NoUrl,
    /// The address isn't one.
    #[error("its base URL is not an http or https URL")]
    BadUrl,
    /// The address holds a secret, which would end in logs.
    #[error("its base URL holds a user name or a password")]
    SecretInUrl,
    /// The key can't be sent.
    #[error("its API key has characters that no HTTP header can hold")]
    BadKey,
}

impl Endpoint {
    /// Checks the address, if it has one, and the key.
    pub fn check(&self) -> Result<(), EndpointProblem> {
        self.base_url.as_deref().map(base).transpose()?;
        self.key().map(|key| key.header("")).transpose()?;
        Ok(())
    }

    fn key(&self) -> Option<&ApiKey> {
        self.api_key.as_ref().filter(|key| !key.0.trim().is_empty())
    }
}

/// An endpoint that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Ends in a slash.
    pub(crate) base: Url,
    pub(crate) url_owner: UrlOwner,
    pub(crate) api_key: Option<ApiKey>,
    /// The header that shows the key.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
}

impl Target {
    pub(crate) fn new(kind: &Kind, endpoint: &Endpoint) -> Result<Self, EndpointProblem> {
        let (url, url_owner) = match (&endpoint.base_url, kind.base_url) {
            (Some(url), _) => (url.as_str(), endpoint.url_owner),
            // Nobody chose this one, unless it is on the operator's own machine.
            (None, Some(url)) if url.starts_with("https://") => (url, UrlOwner::Operator),
            (None, Some(url)) => (url, endpoint.url_owner),
            (None, None) => return Err(EndpointProblem::NoUrl),
        };
        let (name, prefix) = kind.auth.header();
        let key = endpoint.key();
        let value = key.map(|key| key.header(prefix)).transpose()?;
        Ok(Self {
            base: base(url)?,
            url_owner,
            api_key: key.cloned(),
            credential: value.map(|value| (name, value)),
        })
    }
}

fn base(url: &str) -> Result<Url, EndpointProblem> {
    let base = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(EndpointProblem::BadUrl)?;
    if !base.username().is_empty() || base.password().is_some() {
        return Err(EndpointProblem::SecretInUrl);
    }
    Ok(with_slash(base))
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
    use crate::kind::KINDS;

    fn kind(name: &str) -> &'static Kind {
        KINDS.iter().find(|kind| kind.name == name).unwrap()
    }

    fn endpoint(base_url: Option<&str>, key: &str) -> Endpoint {
        Endpoint {
            base_url: base_url.map(str::to_owned),
            url_owner: UrlOwner::Tenant,
            api_key: Some(ApiKey::new(key)),
        }
    }

    fn target(base_url: &str, key: &str) -> Result<Target, EndpointProblem> {
        Target::new(kind("openai_chat"), &endpoint(Some(base_url), key))
    }

    #[test]
    fn urls_are_checked() {
        let base = |url| target(url, "k").map(|t| t.base.to_string());
        assert_eq!(base("https://a.test/v1").unwrap(), "https://a.test/v1/");
        assert_eq!(base("http://[::1]:1/").unwrap(), "http://[::1]:1/");
        for bad in ["", "a.test/v1", "file:///etc", "ftp://a.test"] {
            assert_eq!(base(bad), Err(EndpointProblem::BadUrl), "{bad}");
            let check = endpoint(Some(bad), "k").check();
            assert_eq!(check, Err(EndpointProblem::BadUrl), "{bad}");
        }
        let secret = base("https://u:p@a.test/");
        assert_eq!(secret, Err(EndpointProblem::SecretInUrl));
    }

    #[test]
    fn a_kind_may_have_an_address_of_its_own() {
        let own = |name| Target::new(kind(name), &endpoint(None, "k"));
        assert_eq!(own("openai_chat").unwrap_err(), EndpointProblem::NoUrl);
        let anthropic = own("anthropic").unwrap();
        assert_eq!(anthropic.base.as_str(), "https://api.anthropic.com/v1/");
        assert_eq!(anthropic.url_owner, UrlOwner::Operator);
        assert_eq!(own("ollama").unwrap().url_owner, UrlOwner::Tenant);
        let chosen = target("https://a.test", "k").unwrap();
        assert_eq!(chosen.url_owner, UrlOwner::Tenant);
    }

    #[test]
    fn keys_are_checked_and_never_shown() {
        let broken = endpoint(Some("http://a.test"), "a\nb").check();
        assert_eq!(broken, Err(EndpointProblem::BadKey));
        let shown = format!("{:?}", target("http://a.test", "canary").unwrap());
        assert!(!shown.contains("canary"), "{shown}");
        let blank = target("http://a.test", " ").unwrap();
        assert!(blank.credential.is_none() && blank.api_key.is_none());
    }

    #[test]
    fn each_family_has_its_header() {
        for (name, header, value) in [
            ("openai_chat", "authorization", "Bearer k"),
            ("openai_responses", "authorization", "Bearer k"),
            ("ollama", "authorization", "Bearer k"),
            ("anthropic", "x-api-key", "k"),
            ("gemini", "x-goog-api-key", "k"),
        ] {
            let target = Target::new(kind(name), &endpoint(Some("http://h"), " k ")).unwrap();
            let (own, shown) = target.credential.unwrap();
            assert_eq!((own.as_str(), shown.to_str().unwrap()), (header, value));
        }
    }
}
