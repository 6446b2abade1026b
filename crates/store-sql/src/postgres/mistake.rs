//! A mistake on purpose, by the feature `failpoints`: transactions name another organisation than
//! their statements do. What a statement then finds of the organisation in its own conditions, row
//! level security has let through.

use super::scope::Scope;

/// Which organisation transactions name, if not the one that they should.
#[derive(Clone, Debug, Default)]
pub(super) struct Mistake {
    #[cfg(feature = "failpoints")]
    org: std::sync::Arc<std::sync::Mutex<Option<runloom_domain::OrgId>>>,
}

impl Mistake {
    #[cfg(not(feature = "failpoints"))]
    #[expect(clippy::unused_self, reason = "nothing can be mistaken")]
    pub(super) fn about(&self, scope: Scope) -> Scope {
        scope
    }

    #[cfg(feature = "failpoints")]
    pub(super) fn about(&self, scope: Scope) -> Scope {
        let org = *self
            .org
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        org.map_or(scope, Scope::from)
    }

    #[cfg(feature = "failpoints")]
    pub(super) fn make(&self, org: Option<runloom_domain::OrgId>) {
        *self
            .org
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = org;
    }
}

#[cfg(feature = "failpoints")]
impl super::PostgresStore {
    /// From now on transactions name this organisation, whichever their statements are about;
    /// `None` ends it.
    pub fn mistake_scopes(&self, org: Option<runloom_domain::OrgId>) {
        self.lanes.mistake().make(org);
    }
}
