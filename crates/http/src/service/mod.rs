//! What operators and their tools ask.

pub(crate) mod healthz;
pub(crate) mod metrics;
pub(crate) mod readyz;

use serde::Serialize;
use utoipa::ToSchema;

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub(crate) status: &'static str,
}
