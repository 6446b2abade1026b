//! The port that a server hands to the engine.

use async_trait::async_trait;
use runloom_engine::port::model::{
    ModelError, ModelErrorKind, ModelPort, ModelRequest, ModelStream,
};

use crate::ScriptedModel;

/// Every adapter of this process, chosen by the route's kind.
///
/// A kind without an adapter fails as [`ModelErrorKind::NotConfigured`]; nothing ever stands in
/// silently. The scripted model is there only when it was registered.
///
/// ```
/// use runloom_models::{Models, ScriptedModel};
///
/// let models = Models::builder().scripted(ScriptedModel::new().with_demo()).build();
/// ```
#[derive(Debug)]
pub struct Models {
    scripted: Option<ScriptedModel>,
}

impl Models {
    /// The kind of routes that the scripted model serves.
    pub const SCRIPTED: &str = "scripted";

    /// Starts with no adapter at all.
    pub fn builder() -> ModelsBuilder {
        ModelsBuilder::default()
    }
}

/// Collects what [`Models`] can reach.
#[derive(Debug, Default)]
pub struct ModelsBuilder {
    scripted: Option<ScriptedModel>,
}

impl ModelsBuilder {
    /// Registers the scripted model for routes of kind `scripted`; for development and tests.
    #[must_use]
    pub fn scripted(mut self, model: ScriptedModel) -> Self {
        self.scripted = Some(model);
        self
    }

    /// The finished port.
    pub fn build(self) -> Models {
        Models {
            scripted: self.scripted,
        }
    }
}

#[async_trait]
impl ModelPort for Models {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        match (request.route.kind.as_str(), &self.scripted) {
            (Self::SCRIPTED, Some(model)) => model.call(request).await,
            _ => Err(ModelError::new(
                ModelErrorKind::NotConfigured,
                "no model adapter serves this route",
            )),
        }
    }
}
