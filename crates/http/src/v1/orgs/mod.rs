//! Organisations: those of the caller, and the one of this session.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
mod refusal;
pub(crate) mod update;

use runloom_domain::{OrgId, OrgRole, RunVisibility, Timestamp};
use runloom_store::{JoinedOrg, OrgRecord};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Fields, Size};

/// The longest name of an organisation or a service account.
pub(crate) const NAME: Size = Size::Chars(1, 100);

/// An organisation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Org {
    #[schema(value_type = Uuid)]
    id: OrgId,
    #[schema(example = "Acme")]
    name: String,
    /// Whose runs its members see who don't manage it: `org` everybody's, `own` their own.
    #[schema(example = "org")]
    run_visibility: &'static str,
    /// For how many days the events of its runs are kept after their end: 0 is for ever, null
    /// what this service says. Set by whoever runs the service.
    #[schema(required)]
    event_retention_days: Option<u32>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<OrgRecord> for Org {
    fn from(org: OrgRecord) -> Self {
        Self {
            id: org.org_id,
            name: org.name,
            run_visibility: org.run_visibility.as_str(),
            event_retention_days: org.event_retention_days,
            created_at: org.created_at,
        }
    }
}

/// An organisation of the caller's, and what they are in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnOrg {
    #[schema(value_type = Uuid)]
    id: OrgId,
    #[schema(example = "Acme")]
    name: String,
    /// `owner`, `admin`, `member` or `viewer`
    #[schema(example = "owner")]
    role: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<JoinedOrg> for OwnOrg {
    fn from(joined: JoinedOrg) -> Self {
        Self {
            id: joined.org.org_id,
            name: joined.org.name,
            role: joined.role.as_str(),
            created_at: joined.org.created_at,
        }
    }
}

/// One of the roles.
pub(crate) fn role(fields: &mut Fields) -> Option<OrgRole> {
    fields.word("role", &OrgRole::ALL.map(|role| (role.as_str(), role)))
}

/// A role that must be there; after a problem the lowest, which is never used.
pub(crate) fn required_role(fields: &mut Fields) -> OrgRole {
    fields.required("role");
    role(fields).unwrap_or(OrgRole::Viewer)
}

fn visibility(fields: &mut Fields) -> Option<RunVisibility> {
    let words = RunVisibility::ALL.map(|visibility| (visibility.as_str(), visibility));
    fields.word("run_visibility", &words)
}
