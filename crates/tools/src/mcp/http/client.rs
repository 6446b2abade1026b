use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::{HeaderName, HeaderValue};
use reqwest::Client;
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
    StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use sse_stream::Sse;

use super::token::Tokens;
use crate::mcp::Secret;
use crate::mcp::pace::Pace;
use crate::mcp::spec::{Auth, Limits};

type Events = BoxStream<'static, Result<Sse, SseError>>;
type Headers = HashMap<HeaderName, HeaderValue>;
type HttpError = StreamableHttpError<reqwest::Error>;

/// How many messages may be on their way to one server. A call that is answered by a stream
/// stops counting when that opens.
const AT_ONCE: usize = 64;

/// The client of one server: the guarded one, with a token, and listening at our pace.
#[derive(Clone)]
pub(in crate::mcp) struct HttpClient {
    client: Client,
    tokens: Arc<Tokens>,
}

/// What rmcp speaks streamable HTTP by. The URL was checked by the guard.
pub(in crate::mcp) fn transport(
    client: Client,
    url: &str,
    auth: &Auth,
    limits: &Limits,
) -> StreamableHttpClientTransport<HttpClient> {
    let config = StreamableHttpClientTransportConfig::with_uri(url)
        .max_concurrent_requests(AT_ONCE)
        .max_sse_event_size(limits.message)
        .max_json_response_size(limits.message)
        .reinit_on_expired_session(true);
    let client = HttpClient {
        client,
        tokens: Arc::new(Tokens::new(auth, url)),
    };
    StreamableHttpClientTransport::with_client(client, config)
}

impl HttpClient {
    /// Does something with a token, and once more with another one if that is refused.
    async fn authorized<T, F>(&self, request: impl Fn(Option<String>) -> F) -> Result<T, HttpError>
    where
        F: Future<Output = Result<T, HttpError>>,
    {
        let token = self.tokens.token(&self.client).await?;
        let done = request(shown(token.as_ref())).await;
        match done {
            Err(error) if is_unauthorized(&error) => {
                let another = self.tokens.another(&self.client, token.as_ref()).await?;
                match another {
                    Some(another) => request(shown(Some(&another))).await,
                    None => Err(error),
                }
            }
            done => done,
        }
    }
}

fn shown(token: Option<&Secret>) -> Option<String> {
    token.map(|token| token.expose().to_owned())
}

/// Without a challenge, rmcp tells the status in words alone.
fn is_unauthorized(error: &HttpError) -> bool {
    match error {
        StreamableHttpError::AuthRequired(_) => true,
        StreamableHttpError::UnexpectedServerResponse(said) => said.starts_with("HTTP 401"),
        _ => false,
    }
}

fn paced(events: Events) -> Events {
    stream::unfold((events, Pace::new()), |(mut events, mut pace)| async {
        pace.ready().await;
        let event = events.next().await?;
        let bytes = event.as_ref().ok().and_then(|event| event.data.as_ref());
        pace.heard(bytes.map_or(0, String::len));
        Some((event, (events, pace)))
    })
    .boxed()
}

impl StreamableHttpClient for HttpClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, auth, headers, limits)
            .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _auth: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let response = self
            .authorized(|token| {
                self.client.post_message_with_response_limits(
                    Arc::clone(&uri),
                    message.clone(),
                    session.clone(),
                    token,
                    headers.clone(),
                    limits,
                )
            })
            .await?;
        Ok(match response {
            StreamableHttpPostResponse::Sse(events, session) => {
                StreamableHttpPostResponse::Sse(paced(events), session)
            }
            other => other,
        })
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        _auth: Option<String>,
        headers: Headers,
    ) -> Result<(), HttpError> {
        let delete = |token| {
            let (uri, session) = (Arc::clone(&uri), Arc::clone(&session));
            self.client
                .delete_session(uri, session, token, headers.clone())
        };
        self.authorized(delete).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last: Option<String>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<Events, HttpError> {
        let most = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session, last, auth, headers, most)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last: Option<String>,
        _auth: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Result<Events, HttpError> {
        let events = self
            .authorized(|token| {
                self.client.get_stream_with_max_sse_event_size(
                    Arc::clone(&uri),
                    session.clone(),
                    last.clone(),
                    token,
                    headers.clone(),
                    most,
                )
            })
            .await?;
        Ok(paced(events))
    }
}
