//! What organisations have configured.

mod credentials;
mod discoveries;
mod http_tools;
mod key_rotation;
mod mcp_servers;
mod personas;
mod routes;
mod tools;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use runloom_domain::{CredentialId, HttpToolId, McpServerId, OrgId, RouteId, Timestamp};
use uuid::Uuid;

use self::personas::StoredPersona;
use super::MemoryStore;
use super::lists::newest_first;
use super::state::State;
use crate::{
    By, ConfigStore, Configured, CredentialRecord, CredentialSettings, DeleteConfig, DeletePersona,
    HttpToolRecord, Idempotency, McpListing, NewCredential, NewPersona, NewRoute, Once, Page,
    PageKey, Paged, PersonaRecord, RouteRecord, RouteRefusal, RouteSettings, StoreError, Update,
    WritePersona,
};

/// All that organisations have configured.
#[derive(Default)]
pub(super) struct Config {
    /// How often each organisation's configuration has been written.
    versions: HashMap<OrgId, u64>,
    credentials: BTreeMap<CredentialId, CredentialRecord>,
    routes: BTreeMap<RouteId, RouteRecord>,
    personas: BTreeMap<(OrgId, String), StoredPersona>,
    mcp_servers: BTreeMap<McpServerId, McpListing>,
    http_tools: BTreeMap<HttpToolId, HttpToolRecord>,
    /// When each MCP server is asked next.
    discover_at: HashMap<McpServerId, Timestamp>,
}

impl State {
    fn config_changed(&mut self, org: OrgId) {
        *self.config.versions.entry(org).or_default() += 1;
    }

    /// How many of the organisation's runs that have not ended froze the id.
    fn runs_using(&self, org: OrgId, id: Uuid) -> u64 {
        let id = id.to_string();
        let uses = |run: &&super::state::Run| {
            let first = run
                .events
                .first()
                .and_then(|event| event.private.as_deref());
            run.row.org_id == org
                && !run.status().is_terminal()
                && first.is_some_and(|frozen| frozen.contains(&id))
        };
        self.runs.values().filter(uses).count() as u64
    }
}

/// Whether a change that expects a version comes too late.
fn is_stale(version: u64, expected: Option<u64>) -> bool {
    expected.is_some_and(|expected| expected != version)
}

#[async_trait]
impl ConfigStore for MemoryStore {
    async fn config_version(&self, org: OrgId) -> Result<u64, StoreError> {
        Ok(self.state().config.versions.get(&org).copied().unwrap_or(0))
    }

    async fn configured(&self, org: OrgId) -> Result<Configured, StoreError> {
        let state = self.state();
        Ok(Configured {
            version: state.config.versions.get(&org).copied().unwrap_or(0),
            routes: state.own_routes(org).cloned().collect(),
        })
    }

    async fn create_credential(
        &self,
        new: NewCredential,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        state.add_credential(new, by)?;
        state.keep(once, now);
        Ok(Once::Done(()))
    }

    async fn credential(
        &self,
        org: OrgId,
        credential: CredentialId,
    ) -> Result<Option<CredentialRecord>, StoreError> {
        Ok(self.state().own_credential(org, credential).cloned())
    }

    async fn credentials(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CredentialRecord>, StoreError> {
        let state = self.state();
        let all = state.config.credentials.values();
        let own = all.filter(|row| row.org_id == org).cloned().collect();
        Ok(newest_first(own, page, |row| PageKey {
            created_at: row.created_at,
            id: row.credential_id.as_uuid(),
        }))
    }

    async fn update_credential(
        &self,
        org: OrgId,
        credential: CredentialId,
        expected: u64,
        settings: CredentialSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<CredentialRecord>, StoreError> {
        self.state()
            .change_credential((org, credential), expected, settings, at, by)
    }

    async fn delete_credential(
        &self,
        org: OrgId,
        credential: CredentialId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        Ok(self
            .state()
            .remove_credential(org, credential, expected, by))
    }

    async fn create_route(
        &self,
        new: NewRoute,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), RouteRefusal>>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        let outcome = state.add_route(new, by)?;
        if outcome.is_ok() {
            state.keep(once, now);
        }
        Ok(Once::Done(outcome))
    }

    async fn route(&self, org: OrgId, route: RouteId) -> Result<Option<RouteRecord>, StoreError> {
        Ok(self.state().own_route(org, route).cloned())
    }

    async fn routes(&self, org: OrgId, page: Page) -> Result<Paged<RouteRecord>, StoreError> {
        let own = self.state().own_routes(org).cloned().collect();
        Ok(newest_first(own, page, |row| PageKey {
            created_at: row.created_at,
            id: row.route_id.as_uuid(),
        }))
    }

    async fn update_route(
        &self,
        org: OrgId,
        route: RouteId,
        expected: u64,
        settings: RouteSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<RouteRecord, RouteRefusal>>, StoreError> {
        self.state()
            .change_route((org, route), expected, settings, at, by)
    }

    async fn delete_route(
        &self,
        org: OrgId,
        route: RouteId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        Ok(self.state().remove_route(org, route, expected, by))
    }

    async fn write_persona(
        &self,
        new: NewPersona,
        by: By,
    ) -> Result<Once<WritePersona>, StoreError> {
        self.state().add_persona(new, self.now(), by)
    }

    async fn persona(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<PersonaRecord>, StoreError> {
        Ok(self.state().own_persona(org, key, version))
    }

    async fn personas(&self, org: OrgId, page: Page) -> Result<Paged<PersonaRecord>, StoreError> {
        let newest = self.state().newest_personas(org);
        Ok(newest_first(newest, page, |row| PageKey {
            created_at: row.created_at,
            id: row.persona_id.as_uuid(),
        }))
    }

    async fn persona_versions(
        &self,
        org: OrgId,
        key: &str,
        page: Page,
    ) -> Result<Option<Paged<PersonaRecord>>, StoreError> {
        Ok(self.state().versions_of(org, key, page))
    }

    async fn delete_persona(
        &self,
        org: OrgId,
        key: &str,
        expected: Option<u64>,
        _at: Timestamp,
        by: By,
    ) -> Result<DeletePersona, StoreError> {
        Ok(self.state().remove_persona(org, key, expected, by))
    }
}
