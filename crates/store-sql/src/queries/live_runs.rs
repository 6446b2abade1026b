//! How many runs are live at once.

use diesel::prelude::*;
use runloom_store::{LiveLimits, LiveScope, NewRun};

use super::{Conn, RunQueryDsl};
use crate::predicate::IsLive;
use crate::schema::{run_heads, runs};
use crate::types::Id;

/// The live runs that a new one is counted beside.
#[derive(Clone, Copy)]
pub(crate) struct LiveRuns {
    org: Id,
    user: Id,
    api_key: Option<Id>,
    limits: LiveLimits,
}

/// The organisation's live runs with who made them. They are found by the partial index of live
/// runs, so that this costs as much as there are, and only where a person or a key is limited.
macro_rules! live {
    ($org:expr) => {
        run_heads::table
            .inner_join(
                runs::table.on(runs::org_id
                    .eq(run_heads::org_id)
                    .and(runs::run_id.eq(run_heads::run_id))),
            )
            .filter(run_heads::org_id.eq($org))
            .filter(IsLive)
    };
}

impl LiveRuns {
    /// Those beside `new`.
    pub(crate) fn beside(new: &NewRun) -> Self {
        Self {
            org: new.org_id.into(),
            user: new.created_by.into(),
            api_key: new.api_key_id.map(Id::from),
            limits: new.max_live_runs,
        }
    }

    /// Whose are as many as may be, if somebody's are.
    pub(crate) async fn full(self, c: &mut Conn) -> QueryResult<Option<LiveScope>> {
        let reached = |live: i64, max: u32| live >= i64::from(max);
        if let Some(max) = self.limits.org {
            let live = run_heads::table
                .filter(run_heads::org_id.eq(self.org))
                .filter(IsLive)
                .count();
            if reached(live.get_result(c).await?, max) {
                return Ok(Some(LiveScope::Org));
            }
        }
        if let Some(max) = self.limits.user {
            let live = live!(self.org).filter(runs::created_by.eq(self.user));
            if reached(live.count().get_result(c).await?, max) {
                return Ok(Some(LiveScope::User));
            }
        }
        if let (Some(max), Some(key)) = (self.limits.api_key, self.api_key) {
            let live = live!(self.org).filter(runs::api_key_id.eq(key));
            if reached(live.count().get_result(c).await?, max) {
                return Ok(Some(LiveScope::ApiKey));
            }
        }
        Ok(None)
    }
}
