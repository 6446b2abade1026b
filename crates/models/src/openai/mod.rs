//! OpenAI-style chat endpoints: OpenAI itself and the many servers that speak like it.
//!
//! genai builds the request; it is sent and its stream is read here, because genai's own
//! reader breaks promises of ours. `docs/design/provider-streams.md` holds the comparison.

mod answer;
mod calls;
mod chunk;
mod conversation;
mod opaque;
mod stream;
mod usage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use runloom_domain::Clock;
use runloom_engine::port::model::{
    ModelError, ModelErrorKind, ModelPort, ModelRequest, ModelStream,
};
use tokio::time::{Instant, timeout_at};

use crate::draft::{Draft, Drafts};
use crate::endpoint::{Endpoint, EndpointError, Target};
use crate::retry_after::retry_after;
use crate::{client, failure};

/// How much of an error's body is read.
const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// Calls OpenAI-style chat endpoints; one connection per call.
pub struct GenaiModel {
    client: Client,
    drafts: Drafts,
    targets: BTreeMap<String, Target>,
    clock: Arc<dyn Clock>,
}

impl GenaiModel {
    /// A model that reaches `endpoints`, which are named by route id. `clock` is asked only to
    /// read a `Retry-After` that is a date.
    pub fn new(
        endpoints: impl IntoIterator<Item = (String, Endpoint)>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EndpointError> {
        let target = |(route_id, endpoint): (String, Endpoint)| {
            let target = Target::new(&route_id, endpoint)?;
            Ok((route_id, target))
        };
        let client = client::http_client().map_err(|error| EndpointError::Client(error.into()))?;
        let drafts =
            Drafts::new(client.clone()).map_err(|error| EndpointError::Client(error.into()))?;
        Ok(Self {
            drafts,
            client,
            targets: endpoints
                .into_iter()
                .map(target)
                .collect::<Result<_, EndpointError>>()?,
            clock,
        })
    }

    async fn draft(&self, request: &ModelRequest, target: &Target) -> Result<Draft, ModelError> {
        let order = conversation::order(request, &target.base);
        self.drafts.draft(order).await.map_err(|error| {
            tracing::error!(
                route.id = request.route.route_id,
                error = &error as &dyn std::error::Error,
                "a model request could not be built"
            );
            ModelError::new(
                ModelErrorKind::Unavailable,
                "the request to the provider could not be built",
            )
        })
    }

    async fn send(&self, draft: Draft, target: &Target) -> Result<Response, ModelError> {
        let mut request = self
            .client
            .post(draft.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .header(ACCEPT_ENCODING, "identity")
            .body(draft.body);
        if let Some(bearer) = &target.bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        let sent = request.send().await;
        sent.map_err(|error| failure::unreachable(&error))
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

#[async_trait]
impl ModelPort for GenaiModel {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let route = &request.route;
        let target = self.targets.get(&route.route_id).ok_or_else(|| {
            ModelError::new(
                ModelErrorKind::NotConfigured,
                "no endpoint is configured for the route",
            )
        })?;
        let draft = self.draft(&request, target).await?;
        let by = Instant::now() + Duration::from_millis(route.timeouts.header_ms);
        let response = timeout_at(by, self.send(draft, target))
            .await
            .map_err(|_| {
                ModelError::new(
                    ModelErrorKind::Timeout,
                    "the provider did not begin to answer in time",
                )
            })??;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response, target, by).await);
        }
        stream::check(&response)?;
        let idle = Duration::from_millis(route.timeouts.idle_ms);
        let answer = answer::Answer::new(route.route_id.clone(), target.api_key.clone());
        Ok(stream::read(response, answer, idle))
    }
}

impl std::fmt::Debug for GenaiModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GenaiModel")
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}
