use std::sync::Arc;

use reqwest::Client;
use runloom_domain::{Clock, SystemClock};

use super::Models;
use crate::draft::Drafts;
use crate::endpoints::{Endpoints, FixedEndpoints, Sources};
use crate::providers::Providers;
use crate::{Endpoint, EndpointProblem, ScriptedModel, client};

/// Collects what [`Models`] can reach.
#[derive(Default)]
pub struct ModelsBuilder {
    scripted: Option<ScriptedModel>,
    fixed: FixedEndpoints,
    dynamic: Option<Arc<dyn Endpoints>>,
    tenant_client: Option<Client>,
    clock: Option<Arc<dyn Clock>>,
}

/// The models can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The endpoint of a route can't be used.
    #[error("route {route_id} has an unusable endpoint")]
    Unusable {
        /// Which route.
        route_id: String,
        /// Why.
        #[source]
        problem: EndpointProblem,
    },
    /// No HTTP client can be made.
    #[error("can't set up the HTTP client")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ModelsBuilder {
    /// Adds the endpoint of one of the platform's routes; a later one replaces an earlier.
    #[must_use]
    pub fn endpoint(mut self, route_id: impl Into<String>, endpoint: Endpoint) -> Self {
        self.fixed.insert(route_id, endpoint);
        self
    }

    /// Looks up in `source` the endpoints of all other routes.
    #[must_use]
    pub fn endpoints(mut self, source: Arc<dyn Endpoints>) -> Self {
        self.dynamic = Some(source);
        self
    }

    /// Calls addresses that organisations chose with `client`, which has to refuse those that
    /// lead into the operator's network. Without one such addresses are not called.
    #[must_use]
    pub fn tenant_client(mut self, client: Client) -> Self {
        self.tenant_client = Some(client);
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
        if let Some((route_id, problem)) = self.fixed.problem() {
            let route_id = route_id.to_owned();
            return Err(EndpointError::Unusable { route_id, problem });
        }
        let client = client::http_client().map_err(|error| EndpointError::Client(error.into()))?;
        let drafts =
            Drafts::new(client.clone()).map_err(|error| EndpointError::Client(error.into()))?;
        Ok(Models {
            scripted: self.scripted,
            providers: Providers {
                client,
                tenant_client: self.tenant_client,
                drafts,
                sources: Sources {
                    fixed: self.fixed,
                    dynamic: self.dynamic,
                },
                clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            },
        })
    }
}
