//! How much organisations may keep, as far as they or the deployment have a limit.

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use quick_cache::sync::Cache;
use runloom_domain::OrgId;
use runloom_store::Standing;
use serde_json::json;

use crate::error::ApiError;
use crate::state::HttpState;

/// For how long it is remembered how an organisation stands: what it keeps is measured far more
/// seldom, and whoever raises a limit waits no longer than this.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Organisations that are remembered.
const ORGS: usize = 10_000;

/// How organisations stand, as last read.
pub(crate) struct Standings(Cache<OrgId, (Instant, Standing)>);

impl Standings {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ORGS))
    }

    async fn of(&self, state: &HttpState, org: OrgId) -> Result<Standing, ApiError> {
        if let Some((read_at, standing)) = self.0.get(&org)
            && read_at.elapsed() < REMEMBERED
        {
            return Ok(standing);
        }
        let standing = state.read(state.store().standing(org)).await?;
        self.0.insert(org, (Instant::now(), standing));
        Ok(standing)
    }
}

/// Refuses to keep more for an organisation that keeps as much as it may. Counted without a
/// lock: requests at the same moment may pass a limit by as many.
pub(crate) async fn check_storage(state: &HttpState, org: OrgId) -> Result<(), ApiError> {
    let standing = state.standings().of(state, org).await?;
    let limits = &state.settings().limits;
    let max = standing.quota.bytes.unwrap_or(limits.stored_bytes_per_org);
    if max == 0 || standing.stored_bytes < max {
        return Ok(());
    }
    let error = ApiError::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "storage.limit_exceeded",
        "the organisation keeps as much as it may",
    );
    Err(error.details(json!({ "max_bytes": max, "stored_bytes": standing.stored_bytes })))
}

/// The same for a new thread, which counts by itself too.
pub(crate) async fn check_threads(state: &HttpState, org: OrgId) -> Result<(), ApiError> {
    check_storage(state, org).await?;
    let standing = state.standings().of(state, org).await?;
    let limits = &state.settings().limits;
    let max = standing.quota.threads.unwrap_or(limits.threads_per_org);
    if max == 0 || !state.read(state.store().has_threads(org, max)).await? {
        return Ok(());
    }
    let error = ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "threads.limit_exceeded",
        "the organisation has as many threads as it may: delete some",
    );
    Err(error.details(json!({ "max_threads": max })))
}
