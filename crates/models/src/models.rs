//! The port that a server hands to the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{Clock, SystemClock};
use runloom_engine::port::model::{
    ModelError, ModelErrorKind, ModelPort, ModelRequest, ModelStream,
};

use crate::{Endpoint, EndpointError, GenaiModel, ScriptedModel};

/// Every adapter of this process, chosen by the route's kind.
///
/// A kind without an adapter fails as [`ModelErrorKind::NotConfigured`]; nothing ever stands in
/// silently. The scripted model is there only when it was registered.
///
/// ```
/// use runloom_models::{ApiKey, Endpoint, Models, ScriptedModel};
///
/// # fn main() -> Result<(), runloom_models::EndpointError> {
/// let local = Endpoint {
///     base_url: "http://127.0.0.1:8000/v1".into(),
///     api_key: Some(ApiKey::new("a secret")),
/// };
/// let models = Models::builder()
///     .endpoint("default", local)
///     .scripted(ScriptedModel::new().with_demo())
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Models {
    scripted: Option<ScriptedModel>,
    openai_chat: Option<GenaiModel>,
}

impl Models {
    /// The kind of routes that the scripted model serves.
    pub const SCRIPTED: &str = "scripted";
    /// The kind of routes to OpenAI-style chat endpoints.
    pub const OPENAI_CHAT: &str = "openai_chat";

    /// Starts with no adapter at all.
    pub fn builder() -> ModelsBuilder {
        ModelsBuilder::default()
    }
}

/// Collects what [`Models`] can reach.
#[derive(Default)]
pub struct ModelsBuilder {
    scripted: Option<ScriptedModel>,
    endpoints: BTreeMap<String, Endpoint>,
    clock: Option<Arc<dyn Clock>>,
}

impl ModelsBuilder {
    /// Adds the endpoint of an `openai_chat` route; a later one replaces an earlier.
    #[must_use]
    pub fn endpoint(mut self, route_id: impl Into<String>, endpoint: Endpoint) -> Self {
        self.endpoints.insert(route_id.into(), endpoint);
        self
    }

    /// Registers the scripted model for routes of kind `scripted`; for development and tests.
    #[must_use]
    pub fn scripted(mut self, model: ScriptedModel) -> Self {
        self.scripted = Some(model);
        self
    }

    /// Reads a `Retry-After` that is a date by this clock instead of the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The finished port, or what is wrong with an endpoint.
    pub fn build(self) -> Result<Models, EndpointError> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let openai_chat = match self.endpoints {
            none if none.is_empty() => None,
            endpoints => Some(GenaiModel::new(endpoints, clock)?),
        };
        Ok(Models {
            scripted: self.scripted,
            openai_chat,
        })
    }
}

#[async_trait]
impl ModelPort for Models {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let adapter: Option<&dyn ModelPort> = match request.route.kind.as_str() {
            Self::SCRIPTED => self.scripted.as_ref().map(|model| model as _),
            Self::OPENAI_CHAT => self.openai_chat.as_ref().map(|model| model as _),
            _ => None,
        };
        match adapter {
            Some(model) => model.call(request).await,
            None => Err(ModelError::new(
                ModelErrorKind::NotConfigured,
                "no model adapter serves this route",
            )),
        }
    }
}
