//! Calls to real providers.
//!
//! genai builds the request; it is sent and its stream is read here, because genai's own
//! readers break promises of ours. `docs/design/provider-streams.md` holds the comparison.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use runloom_domain::Clock;
use runloom_engine::port::model::{ModelError, ModelErrorKind, ModelRequest, ModelStream};
use tokio::time::{Instant, timeout_at};

use crate::answer::Answer;
use crate::draft::Drafts;
use crate::endpoint::{Endpoint, Target, UrlOwner};
use crate::endpoints::{Sources, not_configured};
use crate::kind::Kind;
use crate::retry_after::retry_after;
use crate::{conversation, failure, stream};

/// How much of an error's body is read.
const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// Calls providers; one connection per call.
pub(crate) struct Providers {
    pub(crate) client: Client,
    /// For addresses that organisations chose.
    pub(crate) tenant_client: Option<Client>,
    pub(crate) drafts: Drafts,
    pub(crate) sources: Sources,
    /// Asked only to read a `Retry-After` that is a date.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Providers {
    /// Calls the provider that the route leads to.
    pub(crate) async fn call(
        &self,
        kind: &Kind,
        request: &ModelRequest,
    ) -> Result<ModelStream, ModelError> {
        let endpoint = self.sources.find(request.org_id, &request.route).await?;
        self.call_at(kind, &endpoint, request).await
    }

    /// Calls the provider at `endpoint`, wherever the route leads.
    pub(crate) async fn call_at(
        &self,
        kind: &Kind,
        endpoint: &Endpoint,
        request: &ModelRequest,
    ) -> Result<ModelStream, ModelError> {
        let target = Target::new(kind, endpoint)
            .map_err(|problem| not_configured(format!("the endpoint is unusable: {problem}")))?;
        let client = self.client_for(&target)?;
        let body = self.body(kind, request).await?;
        let timeouts = &request.route.timeouts;
        let by = Instant::now() + Duration::from_millis(timeouts.header_ms);
        let url = kind.family.url(&target.base, &request.route.model);
        let sending = send(client.post(url), body, kind, &target);
        let response = timeout_at(by, sending).await.map_err(|_| late())??;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response, &target, by).await);
        }
        let framing = kind.family.framing();
        stream::check(&response, framing)?;
        let answer = Answer::new(request.route.route_id.clone(), target.api_key);
        let idle = Duration::from_millis(timeouts.idle_ms);
        Ok(stream::read(
            response,
            framing,
            kind.family.reader(),
            answer,
            idle,
        ))
    }

    fn client_for(&self, target: &Target) -> Result<&Client, ModelError> {
        match target.url_owner {
            UrlOwner::Operator => Ok(&self.client),
            UrlOwner::Tenant => self.tenant_client.as_ref().ok_or_else(|| {
                not_configured("this server calls no base URLs that organisations choose")
            }),
        }
    }

    /// The body of a request, as JSON.
    pub(crate) async fn body(
        &self,
        kind: &Kind,
        request: &ModelRequest,
    ) -> Result<Vec<u8>, ModelError> {
        let order = conversation::order(request, kind);
        let mut body = self.drafts.draft(order).await.map_err(|error| {
            tracing::error!(
                route.id = request.route.route_id,
                error = &error as &dyn std::error::Error,
                "a model request could not be built"
            );
            ModelError::new(
                ModelErrorKind::Unavailable,
                "the request to the provider could not be built",
            )
        })?;
        kind.family.adjust(request, &mut body);
        Ok(serde_json::Value::Object(body).to_string().into_bytes())
    }

    /// Reads why the provider refused. What it says beside the status only refines the kind of
    /// failure, so a body that hangs or never ends is given up on.
    async fn refusal(&self, mut response: Response, target: &Target, by: Instant) -> ModelError {
        let status = response.status();
        let wish = retry_after(response.headers(), self.clock.as_ref());
        let mut body = Vec::new();
        while let Ok(Ok(Some(chunk))) = timeout_at(by, response.chunk()).await {
            let room = MAX_ERROR_BODY_BYTES - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        failure::refused(status, &body, wish, target.api_key.as_ref())
    }
}

async fn send(
    request: RequestBuilder,
    body: Vec<u8>,
    kind: &Kind,
    target: &Target,
) -> Result<Response, ModelError> {
    let mut request = request
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, kind.family.framing().media_type())
        .header(ACCEPT_ENCODING, "identity")
        .body(body);
    for (name, value) in kind.family.headers() {
        request = request.header(*name, *value);
    }
    if let Some((name, value)) = &target.credential {
        request = request.header(name, value);
    }
    let sent = request.send().await;
    sent.map_err(|error| failure::unreachable(&error))
}

fn late() -> ModelError {
    ModelError::new(
        ModelErrorKind::Timeout,
        "the provider did not begin to answer in time",
    )
}
