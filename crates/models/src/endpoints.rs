//! Looking up where a route leads.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{OrgId, Route};
use runloom_engine::port::model::{ModelError, ModelErrorKind};

use crate::{Endpoint, EndpointProblem};

/// Knows the endpoints of routes, asked anew for each call, so that a changed credential counts
/// from the next call on. An answer should cost no more than a look into a cache.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// The endpoint of `route`, for a run of that organisation; `None` when it has none.
    async fn endpoint(
        &self,
        org_id: OrgId,
        route: &Route,
    ) -> Result<Option<Endpoint>, EndpointsError>;
}

/// An endpoint can't be looked up.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// It, or its credential, is there but of no use; the text is shown to clients and holds no
    /// secret.
    #[error("{0}")]
    Unusable(String),
    /// It can't be looked up now.
    #[error("the endpoint can't be looked up")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// The endpoints of the platform's routes, by route id.
#[derive(Clone, Debug, Default)]
pub struct FixedEndpoints(BTreeMap<String, Endpoint>);

impl FixedEndpoints {
    /// Adds the endpoint of a route; a later one replaces an earlier.
    pub fn insert(&mut self, route_id: impl Into<String>, endpoint: Endpoint) {
        self.0.insert(route_id.into(), endpoint);
    }

    /// The first route whose endpoint can't be used, and why.
    pub(crate) fn problem(&self) -> Option<(&str, EndpointProblem)> {
        self.0
            .iter()
            .find_map(|(route_id, endpoint)| Some((route_id.as_str(), endpoint.check().err()?)))
    }
}

#[async_trait]
impl Endpoints for FixedEndpoints {
    async fn endpoint(&self, _: OrgId, route: &Route) -> Result<Option<Endpoint>, EndpointsError> {
        // A route with a credential is an organisation's, whatever it is called.
        let own = route
            .credential_id
            .is_none()
            .then(|| self.0.get(&route.route_id));
        Ok(own.flatten().cloned())
    }
}

/// The platform's endpoints first, then those that are looked up.
pub(crate) struct Sources {
    pub(crate) fixed: FixedEndpoints,
    pub(crate) dynamic: Option<Arc<dyn Endpoints>>,
}

impl Sources {
    pub(crate) async fn find(&self, org_id: OrgId, route: &Route) -> Result<Endpoint, ModelError> {
        if let Ok(Some(endpoint)) = self.fixed.endpoint(org_id, route).await {
            return Ok(endpoint);
        }
        let found = match &self.dynamic {
            Some(dynamic) => dynamic.endpoint(org_id, route).await,
            None => Ok(None),
        };
        found
            .map_err(|error| failed(route, &error))?
            .ok_or_else(|| not_configured("no endpoint is configured for the route"))
    }
}

fn failed(route: &Route, error: &EndpointsError) -> ModelError {
    match error {
        EndpointsError::Unusable(why) => not_configured(why),
        EndpointsError::Unavailable(_) => {
            tracing::warn!(
                route.id = route.route_id,
                error = error as &dyn Error,
                "the endpoint of a route can't be looked up"
            );
            ModelError::new(ModelErrorKind::Unavailable, error)
        }
    }
}

pub(crate) fn not_configured(why: impl std::fmt::Display) -> ModelError {
    ModelError::new(ModelErrorKind::NotConfigured, why)
}
