//! `http_request`: reading a page or an API of the internet, as far as the operator and the run's
//! persona let it.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Method, Response};
use runloom_domain::{ToolClass, ToolDefinition, ToolPattern, UrlParts, UrlPattern};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use runloom_net::guard::{ClientError, ClientOptions, Guard, Refused};
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use crate::arguments::{object, text};

/// How long a call may take in all, redirects included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a body is read, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// How often a server may send us elsewhere.
const MAX_REDIRECTS: usize = 5;

/// `http_request`: GET or HEAD of a URL. Where it leads is checked at each redirect.
pub struct HttpRequest {
    guard: Guard,
    client: Client,
    allowed: Vec<String>,
}

impl HttpRequest {
    /// Reaches hosts that fit one of these patterns, such as `api.example.com`, `*.example.com`
    /// or `*`, as far as the guard lets it.
    pub fn new(guard: Guard, allowed: Vec<String>) -> Result<Self, ClientError> {
        let client = guard.client(&ClientOptions::default())?;
        Ok(Self {
            guard,
            client,
            allowed,
        })
    }

    /// Follows a URL to the end.
    async fn follow(
        &self,
        method: &Method,
        url: &str,
        allow: &[String],
    ) -> Result<Response, ToolError> {
        let mut url = self.checked(url, allow)?;
        for _ in 0..=MAX_REDIRECTS {
            let sent = self.client.request(method.clone(), url.clone()).send();
            let response = sent.await.map_err(|error| unreachable(&error))?;
            let Some(next) = next(&url, &response) else {
                return Ok(response);
            };
            url = self.checked(&next, allow)?;
        }
        Err(ToolError::failed(format!(
            "the server redirects more than {MAX_REDIRECTS} times"
        )))
    }

    /// Where nothing is in the way: not the guard, not the operator, not the run's persona.
    fn checked(&self, url: &str, allow: &[String]) -> Result<Url, ToolError> {
        let url = self.guard.checked(url);
        let url = url.map_err(|refused| ToolError::invalid_arguments(refused.to_string()))?;
        let host = url.host_str().unwrap_or_default();
        let denied = |why: String| Err(ToolError::new("tool.denied", why));
        let mut allowed = self.allowed.iter();
        if !allowed.any(|pattern| ToolPattern::new(pattern).fits(host)) {
            return denied(format!("{host} is not among the hosts that may be reached"));
        }
        if allow.is_empty() {
            return denied("the persona of this run lets it reach no URL".to_owned());
        }
        if !allow.iter().any(|pattern| is_meant(pattern, &url)) {
            return denied(format!(
                "{url} is not among the URLs that the persona of this run lets it reach"
            ));
        }
        Ok(url)
    }
}

fn is_meant(pattern: &str, url: &Url) -> bool {
    let Ok(pattern) = UrlPattern::parse(pattern) else {
        // Checked when it was written; what this version doesn't take allows nothing.
        return false;
    };
    pattern.fits(UrlParts {
        scheme: url.scheme(),
        host: url.host_str().unwrap_or_default(),
        port: url.port_or_known_default().unwrap_or_default(),
        path: url.path(),
    })
}

#[async_trait]
impl Tool for HttpRequest {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "http_request".to_owned(),
            description: "Get a page or a JSON document by its URL.".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "url": { "type": "string", "description": "An http or https URL." },
                    "method": {
                        "type": "string",
                        "enum": ["GET", "HEAD"],
                        "description": "Optional. GET is the default.",
                    },
                },
                "required": ["url"],
            }),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Pure
    }

    fn timeout(&self) -> Duration {
        TIMEOUT + Duration::from_secs(5)
    }

    async fn call(&self, context: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let arguments = object(arguments)?;
        let url = text(&arguments, "url")?;
        let url = url.ok_or_else(|| ToolError::invalid_arguments("url is missing"))?;
        let method = match text(&arguments, "method")?.as_deref() {
            None => Method::GET,
            Some(method) if method.eq_ignore_ascii_case("GET") => Method::GET,
            Some(method) if method.eq_ignore_ascii_case("HEAD") => Method::HEAD,
            Some(_) => return Err(ToolError::invalid_arguments("method must be GET or HEAD")),
        };
        let answered = async {
            let response = self.follow(&method, &url, &context.http_allow).await?;
            shown(response).await
        };
        let answered = timeout(TIMEOUT, answered).await;
        let late = |_| ToolError::new("tool.timeout", "the server gave no answer within 30 s");
        answered.map_err(late)?.map(ToolReply::Output)
    }
}

/// Where a response sends us.
fn next(at: &Url, response: &Response) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    Some(at.join(location).ok()?.to_string())
}

fn unreachable(error: &reqwest::Error) -> ToolError {
    match Refused::of(error) {
        Some(refused) => ToolError::new("tool.denied", refused.to_string()),
        None if error.is_connect() => ToolError::failed("the server can't be connected to"),
        None => ToolError::failed("the connection broke before the server had answered"),
    }
}

/// Status, kind and content.
async fn shown(mut response: Response) -> Result<String, ToolError> {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("unknown")
        .to_owned();
    let mut body = Vec::new();
    let mut is_whole = true;
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        let left = MAX_BYTES - body.len();
        is_whole = chunk.len() <= left;
        body.extend_from_slice(&chunk[..chunk.len().min(left)]);
        if !is_whole {
            break;
        }
    }
    let text = match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) if !is_whole && error.utf8_error().error_len().is_none() => {
            // The cut went through a character.
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
        Err(_) => "(the content is no text)".to_owned(),
    };
    let cut = if is_whole { "" } else { "\n(cut after 1 MiB)" };
    Ok(format!(
        "HTTP {status}\nContent-Type: {kind}\n\n{text}{cut}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_context::{call, context, error_of};
    use crate::testing_server::{Server, answer, guard};

    fn tool(allowed: &[&str]) -> HttpRequest {
        let allowed = allowed.iter().map(|host| (*host).to_owned());
        HttpRequest::new(guard(), allowed.collect()).unwrap()
    }

    #[tokio::test]
    async fn a_page_is_shown_with_its_status() {
        let page = answer(
            "404 Not Found",
            "content-type: text/plain\r\n",
            "nothing — here",
        );
        let server = Server::start(vec![page]).await;
        let told = call(&tool(&["127.*"]), json!({ "url": server.url })).await;
        let told = told.unwrap();
        assert_eq!(
            told,
            "HTTP 404 Not Found\nContent-Type: text/plain\n\nnothing — here"
        );
        assert_eq!(server.requests()[0].line, "GET / HTTP/1.1");
    }

    #[tokio::test]
    async fn redirects_are_followed_as_far_as_they_may_lead() {
        let to = |location: &str| answer("302 Found", &format!("location: {location}\r\n"), "");
        let server = Server::start(vec![to("/next"), answer("200 OK", "", "there")]).await;
        let url = json!({ "url": server.url });
        let told = call(&tool(&["127.*"]), url).await.unwrap();
        assert!(told.ends_with("there"), "{told}");
        assert_eq!(server.requests()[1].line, "GET /next HTTP/1.1");
        for (location, class) in [
            ("http://169.254.169.254/latest", "tool.invalid_arguments"),
            ("http://[::ffff:10.0.0.1]/", "tool.invalid_arguments"),
            ("http://elsewhere.example/", "tool.denied"),
            ("file:///etc/passwd", "tool.invalid_arguments"),
        ] {
            let server = Server::start(vec![to(location)]).await;
            let url = json!({ "url": server.url });
            let error = error_of(call(&tool(&["127.*", "169.*"]), url).await);
            assert_eq!(error.class, class, "{location}: {error}");
        }
        let circle = Server::start(vec![to("/"); 9]).await;
        let url = json!({ "url": circle.url });
        error_of(call(&tool(&["*"]), url).await);
        assert_eq!(circle.requests().len(), MAX_REDIRECTS + 1);
    }

    /// A call whose persona has these patterns.
    async fn called(tool: &HttpRequest, allow: &[&str], url: &str) -> Result<String, ToolError> {
        let mut context = context();
        context.http_allow = allow.iter().map(|pattern| (*pattern).to_owned()).collect();
        match tool.call(context, json!({ "url": url })).await? {
            ToolReply::Output(output) => Ok(output),
            other => panic!("it said {other:?}"),
        }
    }

    #[tokio::test]
    async fn the_persona_narrows_what_the_operator_allows() {
        let to_other = answer("302 Found", "location: /other\r\n", "");
        let server = Server::start(vec![answer("200 OK", "", "there"), to_other]).await;
        let tool = tool(&["127.*"]);
        let page = format!("{}/docs/a", server.url);
        for allow in [
            &[][..],
            &["example.com"],
            &["127.0.0.1/other/*"],
            &["no pattern"],
        ] {
            let error = error_of(called(&tool, allow, &page).await);
            assert_eq!(error.class, "tool.denied", "{allow:?}");
        }
        assert_eq!(server.requests().len(), 0);
        let docs = &["example.com", "127.0.0.1/docs/*"];
        assert!(called(&tool, docs, &page).await.unwrap().ends_with("there"));
        let error = error_of(called(&tool, docs, &page).await);
        assert_eq!(error.class, "tool.denied", "a redirect leads no further");
        assert_eq!(server.requests().len(), 2);
        let wider = error_of(called(&tool, &["*"], "http://example.com/").await);
        assert_eq!(wider.class, "tool.denied", "the operator's list stays");
    }

    #[tokio::test]
    async fn other_hosts_and_methods_are_refused() {
        let tool = tool(&["api.example.com", "*.example.org"]);
        for (arguments, class) in [
            (json!({ "url": "http://example.com/" }), "tool.denied"),
            (
                json!({ "url": "http://example.org.evil.test/" }),
                "tool.denied",
            ),
            (
                json!({ "url": "http://user:pw@api.example.com/" }),
                "tool.invalid_arguments",
            ),
            (json!({ "url": "http://0x0a.1/" }), "tool.invalid_arguments"),
            (
                json!({ "url": "http://api.example.com", "method": "POST" }),
                "tool.invalid_arguments",
            ),
            (json!({}), "tool.invalid_arguments"),
        ] {
            let error = error_of(call(&tool, arguments.clone()).await);
            assert_eq!(error.class, class, "{arguments}: {error}");
        }
    }

    #[tokio::test]
    async fn a_long_page_is_cut() {
        let page = answer("200 OK", "", &"é".repeat(MAX_BYTES));
        let server = Server::start(vec![page]).await;
        let told = call(&tool(&["*"]), json!({ "url": server.url }))
            .await
            .unwrap();
        assert!(told.len() < MAX_BYTES + 100, "{}", told.len());
        assert!(told.ends_with("(cut after 1 MiB)"));
    }
}
