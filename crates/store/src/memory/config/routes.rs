use runloom_domain::{OrgId, RouteId, Timestamp};

use super::is_stale;
use crate::memory::state::{State, rejected, storable};
use crate::{
    Action, By, DeleteConfig, MAX_ROUTES, NewRoute, RouteRecord, RouteRefusal, RouteSettings,
    StoreError, Update, entries, refused_fallback,
};

impl State {
    pub(super) fn own_routes(&self, org: OrgId) -> impl Iterator<Item = &RouteRecord> {
        let all = self.config.routes.values();
        all.filter(move |row| row.org_id == org)
    }

    pub(super) fn own_route(&self, org: OrgId, id: RouteId) -> Option<&RouteRecord> {
        let found = self.config.routes.get(&id);
        found.filter(|row| row.org_id == org)
    }

    pub(super) fn add_route(
        &mut self,
        new: NewRoute,
        by: By,
    ) -> Result<Result<(), RouteRefusal>, StoreError> {
        check(&new.settings)?;
        let id = new.route_id;
        if self.config.routes.contains_key(&id) {
            return Err(rejected("a route id is repeated"));
        }
        if self.own_routes(new.org_id).count() as u64 >= MAX_ROUTES {
            return Ok(Err(RouteRefusal::TooMany));
        }
        let provider = match self.refusal(new.org_id, id, &new.settings) {
            Ok(provider) => provider,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let record = RouteRecord {
            org_id: new.org_id,
            route_id: id,
            provider,
            settings: new.settings,
            version: 1,
            created_by: new.created_by,
            created_at: new.created_at,
            updated_at: new.created_at,
        };
        let (action, model) = (Action::RouteCreated, &record.settings.model);
        self.note(by, entries::route(action, record.org_id, id, model));
        self.config.routes.insert(id, record);
        self.config_changed(new.org_id);
        Ok(Ok(()))
    }

    pub(super) fn change_route(
        &mut self,
        (org, id): (OrgId, RouteId),
        expected: u64,
        settings: RouteSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<RouteRecord, RouteRefusal>>, StoreError> {
        check(&settings)?;
        let Some(found) = self.own_route(org, id) else {
            return Ok(Update::Absent);
        };
        if found.version != expected {
            return Ok(Update::Stale);
        }
        let provider = match self.refusal(org, id, &settings) {
            Ok(provider) => provider,
            Err(refusal) => return Ok(Update::Done(Err(refusal))),
        };
        let changed = RouteRecord {
            provider,
            settings,
            version: expected + 1,
            updated_at: at,
            ..found.clone()
        };
        let (action, model) = (Action::RouteChanged, &changed.settings.model);
        self.note(by, entries::route(action, org, id, model));
        self.config.routes.insert(id, changed.clone());
        self.config_changed(org);
        Ok(Update::Done(Ok(changed)))
    }

    /// The kind of the route's credential, or why the route can't be as it is to be.
    fn refusal(
        &self,
        org: OrgId,
        id: RouteId,
        settings: &RouteSettings,
    ) -> Result<String, RouteRefusal> {
        let credential = self.own_credential(org, settings.credential_id);
        let credential = credential.ok_or(RouteRefusal::NoCredential)?;
        if let Some(fallback) = settings.own_fallback() {
            let next = self.own_routes(org);
            let next = next.map(|route| (route.route_id, route.settings.own_fallback()));
            if let Some(refusal) = refused_fallback(id, fallback, &next.collect()) {
                return Err(refusal);
            }
        }
        Ok(credential.provider.clone())
    }

    pub(super) fn remove_route(
        &mut self,
        org: OrgId,
        id: RouteId,
        expected: Option<u64>,
        by: By,
    ) -> DeleteConfig {
        let Some(found) = self.own_route(org, id) else {
            return DeleteConfig::Absent;
        };
        if is_stale(found.version, expected) {
            return DeleteConfig::Stale;
        }
        let refers = |route: &&RouteRecord| route.settings.own_fallback() == Some(id);
        let routes = self.own_routes(org).filter(refers).count() as u64;
        let runs = self.runs_using(org, id.as_uuid());
        if routes + runs > 0 {
            return DeleteConfig::InUse { routes, runs };
        }
        if let Some(gone) = self.config.routes.remove(&id) {
            let (action, model) = (Action::RouteDeleted, &gone.settings.model);
            self.note(by, entries::route(action, org, id, model));
        }
        self.config_changed(org);
        DeleteConfig::Deleted
    }
}

fn check(settings: &RouteSettings) -> Result<(), StoreError> {
    storable(
        [settings.model.as_str()]
            .into_iter()
            .chain(settings.fallback.as_deref()),
    )
}
