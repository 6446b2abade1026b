use runloom_domain::{CredentialId, OrgId, Timestamp};

use super::is_stale;
use crate::memory::state::{State, rejected, storable};
use crate::{
    Action, By, CredentialRecord, CredentialSettings, DeleteConfig, NewCredential, StoreError,
    Update, entries,
};

impl State {
    pub(super) fn own_credential(&self, org: OrgId, id: CredentialId) -> Option<&CredentialRecord> {
        let found = self.config.credentials.get(&id);
        found.filter(|row| row.org_id == org)
    }

    pub(super) fn add_credential(&mut self, new: NewCredential, by: By) -> Result<(), StoreError> {
        check(&new.settings)?;
        let id = new.credential_id;
        if self.config.credentials.contains_key(&id) {
            return Err(rejected("a credential id is repeated"));
        }
        self.config_changed(new.org_id);
        let (action, name) = (Action::CredentialCreated, &new.settings.name);
        self.note(by, entries::credential(action, new.org_id, id, name));
        self.config.credentials.insert(id, new.into());
        Ok(())
    }

    pub(super) fn change_credential(
        &mut self,
        (org, id): (OrgId, CredentialId),
        expected: u64,
        settings: CredentialSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<CredentialRecord>, StoreError> {
        check(&settings)?;
        let Some(found) = self.own_credential(org, id) else {
            return Ok(Update::Absent);
        };
        if found.version != expected {
            return Ok(Update::Stale);
        }
        let changed = CredentialRecord {
            settings,
            version: expected + 1,
            updated_at: at,
            ..found.clone()
        };
        let (action, name) = (Action::CredentialChanged, &changed.settings.name);
        self.note(by, entries::credential(action, org, id, name));
        self.config.credentials.insert(id, changed.clone());
        self.config_changed(org);
        Ok(Update::Done(changed))
    }

    pub(super) fn remove_credential(
        &mut self,
        org: OrgId,
        id: CredentialId,
        expected: Option<u64>,
        by: By,
    ) -> DeleteConfig {
        let Some(found) = self.own_credential(org, id) else {
            return DeleteConfig::Absent;
        };
        if is_stale(found.version, expected) {
            return DeleteConfig::Stale;
        }
        let refers = |route: &&crate::RouteRecord| route.settings.credential_id == id;
        let routes = self.own_routes(org).filter(refers).count() as u64;
        let runs = self.runs_using(org, id.as_uuid());
        if routes + runs > 0 {
            return DeleteConfig::InUse { routes, runs };
        }
        if let Some(gone) = self.config.credentials.remove(&id) {
            let (action, name) = (Action::CredentialDeleted, &gone.settings.name);
            self.note(by, entries::credential(action, org, id, name));
        }
        self.config_changed(org);
        DeleteConfig::Deleted
    }
}

fn check(settings: &CredentialSettings) -> Result<(), StoreError> {
    let prefix = settings.key.as_ref().and_then(|key| key.prefix.as_deref());
    storable(
        [settings.name.as_str()]
            .into_iter()
            .chain(settings.base_url.as_deref())
            .chain(prefix),
    )
}
