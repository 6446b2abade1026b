//! The port that a server hands to the engine.

mod builder;

use std::fmt;

use async_trait::async_trait;
use runloom_engine::port::model::{ModelError, ModelPort, ModelRequest, ModelStream};

use crate::endpoints::not_configured;
use crate::kind::{KINDS, Kind};
use crate::providers::Providers;
use crate::scripted::ScriptedModel;
pub use builder::{EndpointError, ModelsBuilder};

/// Every model of this process, chosen by the route's kind.
///
/// A kind that nobody knows fails as [`NotConfigured`]; nothing ever stands in silently. The
/// scripted model is there only when it was registered.
///
/// [`NotConfigured`]: runloom_engine::port::model::ModelErrorKind::NotConfigured
///
/// ```
/// use runloom_models::{ApiKey, Endpoint, Models, ScriptedModel, UrlOwner};
///
/// # fn main() -> Result<(), runloom_models::EndpointError> {
/// let local = Endpoint {
///     base_url: Some("http://127.0.0.1:8000/v1".into()),
///     url_owner: UrlOwner::Operator,
///     api_key: Some(ApiKey::new("a secret")),
/// };
/// let models = Models::builder()
///     .endpoint("default", local)
///     .scripted(ScriptedModel::new().with_demo())
///     .build()?;
/// # Ok(()) }
/// ```
pub struct Models {
    pub(crate) scripted: Option<ScriptedModel>,
    pub(crate) providers: Providers,
}

impl Models {
    /// The kind of routes that the scripted model serves.
    pub const SCRIPTED: &str = "scripted";
    /// The kind of routes to OpenAI-style chat endpoints.
    pub const OPENAI_CHAT: &str = "openai_chat";
    /// Every kind of routes but the scripted one.
    pub const KINDS: &[Kind] = KINDS;

    /// Starts with no endpoint at all.
    pub fn builder() -> ModelsBuilder {
        ModelsBuilder::default()
    }

    /// The kind of that name.
    pub fn kind(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

#[async_trait]
impl ModelPort for Models {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let kind = request.route.kind.as_str();
        match (&self.scripted, Self::kind(kind)) {
            (_, Some(kind)) => self.providers.call(kind, &request).await,
            (Some(scripted), None) if kind == Self::SCRIPTED => scripted.call(request).await,
            _ => Err(unknown()),
        }
    }
}

pub(crate) fn unknown() -> ModelError {
    not_configured("no model adapter serves this route")
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models")
            .field("scripted", &self.scripted)
            .finish_non_exhaustive()
    }
}
