use std::sync::Arc;

use runloom_domain::{OrgId, OrgRole, RunVisibility, UserId};
use runloom_store::OrgRecord;

use crate::{AccountError, Accounts, Caller};

/// Whose runs a caller sees of their organisation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSight(Option<UserId>);

impl RunSight {
    /// The only person whose runs are seen; `None` when it is everybody.
    pub const fn only_of(self) -> Option<UserId> {
        self.0
    }

    /// Whether a run is seen that this person has created.
    pub fn sees(self, created_by: UserId) -> bool {
        self.0.is_none_or(|user| user == created_by)
    }
}

impl Accounts {
    /// Whose runs the caller sees, as of the last 2 s: everybody's, unless the organisation
    /// shows its members their own only and the caller doesn't manage it.
    ///
    /// This is the one rule for lists, events, orders to runs and whatever else tells of one.
    pub async fn run_sight(&self, caller: &Caller) -> Result<RunSight, AccountError> {
        if matches!(caller.role, OrgRole::Owner | OrgRole::Admin) {
            return Ok(RunSight(None));
        }
        let org = self.org_of_late(caller.org_id).await?;
        Ok(RunSight(match org.run_visibility {
            RunVisibility::Org => None,
            RunVisibility::Own => Some(caller.user_id),
        }))
    }

    /// An organisation as of the last moments.
    async fn org_of_late(&self, org: OrgId) -> Result<Arc<OrgRecord>, AccountError> {
        let read = async {
            let record = self.orgs.org(org).await?;
            Ok(record.map(Arc::new))
        };
        let org = self.lookups.orgs.get(&org, read).await?;
        org.ok_or(AccountError::Unauthorized)
    }
}
