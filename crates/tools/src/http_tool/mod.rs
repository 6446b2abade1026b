//! Tools of organisations that are a URL: a call is one signed request, and its answer the
//! result.
//!
//! The URL is somebody else's. It is called through the guarded client, what it answers has a
//! bound, and a call of a tool that must not happen twice is never made twice: its connection
//! is used for nothing before, so that one which broke means what it says.

mod answer;
mod request;
mod sign;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
pub use reqwest::Method;
use runloom_domain::{Clock, ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use runloom_net::guard::{ClientError, ClientOptions, Guard};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use self::answer::Tried;
use crate::secret::Secret;

/// What the engine waits beyond our own deadline, which says better what happened.
const GRACE: Duration = Duration::from_secs(5);

/// An HTTP tool, as its owner describes it.
#[derive(Clone, Debug)]
pub struct HttpToolSpec {
    /// As models see it.
    pub definition: ToolDefinition,
    /// What a crash in mid-call means.
    pub class: ToolClass,
    /// Where calls are sent to.
    pub url: String,
    /// `POST`, `PUT` or `PATCH`.
    pub method: Method,
    /// Headers that are sent with each call.
    pub headers: BTreeMap<String, String>,
    /// One more, whose value is secret.
    pub secret_header: Option<(String, Secret)>,
    /// What calls are signed with.
    pub signing_secret: Secret,
    /// How long a call may take, with a second try.
    pub timeout: Duration,
}

/// Calls HTTP tools. Clones share their connections.
#[derive(Clone)]
pub struct HttpTools {
    guard: Guard,
    client: Client,
    /// Uses no connection twice. One that stood idle may be closed by its server in the moment of
    /// a call, which would be an unknown outcome for nothing.
    fresh: Client,
    clock: Arc<dyn Clock>,
}

impl HttpTools {
    /// Calls what the guard lets pass, with times of `clock` in the signatures.
    pub fn new(guard: Guard, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let options = ClientOptions {
            http1_only: true,
            ..ClientOptions::default()
        };
        let client = guard.client(&options)?;
        let fresh = guard.client(&ClientOptions {
            keep_connections: false,
            ..options
        })?;
        Ok(Self {
            guard,
            client,
            fresh,
            clock,
        })
    }

    /// A tool to be called.
    pub fn tool(&self, spec: HttpToolSpec) -> HttpTool {
        HttpTool {
            by: self.clone(),
            spec,
        }
    }
}

/// A tool that is a URL.
pub struct HttpTool {
    by: HttpTools,
    spec: HttpToolSpec,
}

#[async_trait]
impl Tool for HttpTool {
    fn definition(&self) -> ToolDefinition {
        self.spec.definition.clone()
    }

    fn class(&self) -> ToolClass {
        self.spec.class
    }

    fn timeout(&self) -> Duration {
        self.spec.timeout + GRACE
    }

    async fn call(&self, context: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let (spec, body) = (&self.spec, request::body(&self.spec, &context, &arguments));
        let called = timeout(spec.timeout, self.twice_at_most(&context, &body)).await;
        called.unwrap_or_else(|_| Err(self.late()))
    }
}

impl HttpTool {
    /// A call that may be repeated is tried again once when its connection broke or the server
    /// was busy.
    async fn twice_at_most(
        &self,
        context: &ToolContext,
        body: &str,
    ) -> Result<ToolReply, ToolError> {
        let first = self.once(context, body).await;
        let wait = match &first {
            Tried::Broken(_) => Some(Duration::ZERO),
            Tried::Busy { again_in, .. } => *again_in,
            Tried::Done(_) => None,
        };
        let wait = wait.filter(|_| self.spec.class != ToolClass::Once);
        let tried = match wait {
            Some(wait) => {
                sleep(wait).await;
                self.once(context, body).await
            }
            None => first,
        };
        match tried {
            Tried::Done(outcome) => outcome.map(ToolReply::Output),
            Tried::Busy { error, .. } => Err(error),
            Tried::Broken(why) => Err(self.unknown(why)),
        }
    }

    async fn once(&self, context: &ToolContext, body: &str) -> Tried {
        match self.by.request(&self.spec, context, body) {
            Ok(request) => answer::read(request.send().await).await,
            Err(error) => Tried::Done(Err(error)),
        }
    }

    /// What a call has come to that was sent and got no answer.
    fn unknown(&self, why: String) -> ToolError {
        match self.spec.class {
            ToolClass::Once => ToolError::outcome_unknown(why),
            ToolClass::Pure | ToolClass::Keyed => ToolError::unavailable(why),
        }
    }

    fn late(&self) -> ToolError {
        let seconds = self.spec.timeout.as_secs_f32();
        let why = format!("the tool gave no answer within {seconds} s");
        match self.spec.class {
            ToolClass::Once => ToolError::outcome_unknown(why),
            ToolClass::Pure | ToolClass::Keyed => ToolError::new("tool.timeout", why),
        }
    }
}
