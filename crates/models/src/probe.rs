//! Trying an endpoint out.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use runloom_domain::{
    Backoff, Generation, Message, MessageBody, MessageId, Multiplier, OrgId, RateLimits, Route,
    RouteTimeouts, RunId, ThreadId, Timestamp,
};
use runloom_engine::port::model::{ModelError, ModelErrorKind, ModelRequest};
use tokio::time::timeout;
use uuid::Uuid;

use crate::models::unknown;
use crate::{Endpoint, Models};

/// The whole try may take so long. A model that has to be loaded first takes its time.
const PATIENCE: Duration = Duration::from_mins(1);
/// The fewest output tokens that every provider lets itself be asked for.
const OUTPUT_TOKENS: u64 = 16;

impl Models {
    /// Makes one tiny call of `model`, which costs what the provider takes for it, and returns
    /// how long the whole answer took, or why there was none.
    pub async fn probe(
        &self,
        kind: &str,
        endpoint: &Endpoint,
        model: &str,
    ) -> Result<Duration, ModelError> {
        let kind = Self::kind(kind).ok_or_else(unknown)?;
        let request = request(kind.name, model);
        let started = Instant::now();
        let answer = async {
            let mut answer = self.providers.call_at(kind, endpoint, &request).await?;
            while let Some(event) = answer.next().await {
                event?;
            }
            Ok(started.elapsed())
        };
        timeout(PATIENCE, answer).await.unwrap_or_else(|_| {
            Err(ModelError::new(
                ModelErrorKind::Timeout,
                "the provider did not answer a short question in time",
            ))
        })
    }
}

fn request(kind: &str, model: &str) -> ModelRequest {
    let org_id = OrgId::from_uuid(Uuid::nil());
    let run_id = RunId::from_uuid(Uuid::nil());
    ModelRequest {
        org_id,
        run_id,
        step: 1,
        attempt: 1,
        route: route(kind, model),
        prompt: String::new(),
        messages: vec![Message {
            id: MessageId::from_uuid(Uuid::nil()),
            org_id,
            thread_id: ThreadId::from_uuid(Uuid::nil()),
            run_id: Some(run_id),
            position: 1,
            body: MessageBody::User {
                content: "Say: ok".into(),
            },
            created_by_user_id: None,
            created_at: Timestamp::from_micros(0),
        }],
        tools: Vec::new(),
        generation: Generation::default(),
        max_output_tokens: Some(OUTPUT_TOKENS),
    }
}

fn route(kind: &str, model: &str) -> Route {
    Route {
        route_id: "probe".into(),
        model: model.into(),
        kind: kind.into(),
        credential_id: None,
        prices: None,
        multiplier: Multiplier::default(),
        context_length: None,
        max_output_tokens: None,
        rate: RateLimits::default(),
        timeouts: RouteTimeouts::default(),
        backoff: Backoff::default(),
    }
}
