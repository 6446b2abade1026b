//! What shows an HTTP server who we are.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use runloom_net::guard::{BodyCaps, BodyError, Refused, read_body};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded::byte_serialize;

use crate::mcp::Secret;
use crate::mcp::spec::Auth;

/// What an OAuth server may take and send.
const CAPS: BodyCaps = BodyCaps {
    max_bytes: 64 * 1024,
    timeout: Duration::from_secs(10),
};

/// How long before its end a token isn't used any more, and how long one lasts that doesn't say.
const MARGIN: Duration = Duration::from_secs(30);
const UNSAID: Duration = Duration::from_mins(5);

/// Tokens for one server.
#[derive(Debug)]
pub(super) enum Tokens {
    None,
    Fixed(Secret),
    Fetched(Box<Fetched>),
}

#[derive(Debug)]
pub(super) struct Fetched {
    token_url: String,
    client_id: String,
    secret: Secret,
    scope: Option<String>,
    /// What the token is for (RFC 8707).
    resource: String,
    newest: Mutex<Option<Token>>,
}

#[derive(Clone, Debug)]
struct Token {
    text: Secret,
    until: Instant,
}

/// Why there is no token. Nothing of an answer gets into it, which may hold what is secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error("the OAuth server can't be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the OAuth server answers {0}")]
    Refused(u16),
    #[error("the OAuth server's answer can't be read")]
    Body(#[source] BodyError),
    #[error("the OAuth server's answer is no bearer token")]
    NoToken,
}

impl From<TokenError> for StreamableHttpError<reqwest::Error> {
    fn from(error: TokenError) -> Self {
        match error {
            // Why our guard refused it is found in the error itself.
            TokenError::Unreachable(error) if Refused::of(&error).is_some() => Self::Client(error),
            error => Self::UnexpectedServerResponse(error.to_string().into()),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl Tokens {
    pub(super) fn new(auth: &Auth, url: &str) -> Self {
        match auth {
            Auth::None => Self::None,
            Auth::Bearer(secret) => Self::Fixed(secret.clone()),
            Auth::ClientCredentials {
                token_url,
                client_id,
                secret,
                scope,
            } => Self::Fetched(Box::new(Fetched {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                secret: secret.clone(),
                scope: scope.clone(),
                resource: url.to_owned(),
                newest: Mutex::new(None),
            })),
        }
    }

    /// A token to send.
    pub(super) async fn token(&self, client: &Client) -> Result<Option<Secret>, TokenError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(secret) => Ok(Some(secret.clone())),
            Self::Fetched(fetched) => fetched.token(client, None).await.map(Some),
        }
    }

    /// Another token than the one that was refused, if there can be one.
    pub(super) async fn another(
        &self,
        client: &Client,
        refused: Option<&Secret>,
    ) -> Result<Option<Secret>, TokenError> {
        match self {
            Self::None | Self::Fixed(_) => Ok(None),
            Self::Fetched(fetched) => fetched.token(client, refused).await.map(Some),
        }
    }
}

impl Fetched {
    /// The newest token that isn't over and isn't this one. Those who ask at once wait for one
    /// request.
    async fn token(&self, client: &Client, not: Option<&Secret>) -> Result<Secret, TokenError> {
        let mut newest = self.newest.lock().await;
        if let Some(token) = &*newest
            && token.until > Instant::now()
            && not != Some(&token.text)
        {
            return Ok(token.text.clone());
        }
        let token = self.fetch(client).await?;
        let text = token.text.clone();
        *newest = Some(token);
        Ok(text)
    }

    async fn fetch(&self, client: &Client) -> Result<Token, TokenError> {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("resource", &self.resource),
        ];
        if let Some(scope) = &self.scope {
            form.push(("scope", scope));
        }
        let asked = Instant::now();
        let response = client
            .post(&self.token_url)
            .timeout(CAPS.timeout)
            .header(AUTHORIZATION, self.basic())
            .header(ACCEPT, "application/json")
            .form(&form)
            .send()
            .await
            .map_err(TokenError::Unreachable)?;
        if !response.status().is_success() {
            return Err(TokenError::Refused(response.status().as_u16()));
        }
        let body = read_body(response, CAPS).await.map_err(TokenError::Body)?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| TokenError::NoToken)?;
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::NoToken);
        }
        let lasts = answer.expires_in.map_or(UNSAID, Duration::from_secs);
        let until = asked.checked_add(lasts.saturating_sub(MARGIN.min(lasts / 10)));
        Ok(Token {
            text: Secret::new(answer.access_token),
            until: until.unwrap_or(asked + UNSAID),
        })
    }

    /// Both parts are form-encoded first (RFC 6749, 2.3.1).
    fn basic(&self) -> String {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!(
            "{}:{}",
            encoded(&self.client_id),
            encoded(self.secret.expose())
        );
        format!("Basic {}", STANDARD.encode(pair))
    }
}
