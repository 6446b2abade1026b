//! What organisations have configured.

use async_trait::async_trait;
use runloom_domain::{CredentialId, OrgId, RouteId, Timestamp};
use runloom_store::{
    By, ConfigStore, Configured, CredentialRecord, CredentialSettings, DataKey, DataKeys,
    DeleteConfig, DeletePersona, Idempotency, NewCredential, NewPersona, NewRoute, Once, Page,
    Paged, PersonaRecord, RouteRecord, RouteRefusal, RouteSettings, StoreError, Update,
    WritePersona,
};

use crate::sqlite::queries::{config, credentials, data_keys, personas, routes};
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl ConfigStore for SqliteStore {
    async fn config_version(&self, org: OrgId) -> Result<u64, StoreError> {
        self.read(move |c| done(config::version(c, org))).await
    }

    async fn configured(&self, org: OrgId) -> Result<Configured, StoreError> {
        self.read(move |c| done(config::read(c, org))).await
    }

    async fn create_credential(
        &self,
        new: NewCredential,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(credentials::create(c, now, new, once, by)))
            .await
    }

    async fn credential(
        &self,
        org: OrgId,
        id: CredentialId,
    ) -> Result<Option<CredentialRecord>, StoreError> {
        self.read(move |c| done(credentials::get(c, org, id))).await
    }

    async fn credentials(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CredentialRecord>, StoreError> {
        self.read(move |c| done(credentials::list(c, org, page)))
            .await
    }

    async fn update_credential(
        &self,
        org: OrgId,
        id: CredentialId,
        expected: u64,
        settings: CredentialSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<CredentialRecord>, StoreError> {
        self.decide(move |c| {
            done(credentials::update(
                c,
                (org, id),
                expected,
                settings,
                at,
                by,
            ))
        })
        .await
    }

    async fn delete_credential(
        &self,
        org: OrgId,
        id: CredentialId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        self.decide(move |c| done(credentials::delete(c, org, id, expected, by)))
            .await
    }

    async fn create_route(
        &self,
        new: NewRoute,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), RouteRefusal>>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(routes::create(c, now, new, once, by)))
            .await
    }

    async fn route(&self, org: OrgId, id: RouteId) -> Result<Option<RouteRecord>, StoreError> {
        self.read(move |c| done(routes::get(c, org, id))).await
    }

    async fn routes(&self, org: OrgId, page: Page) -> Result<Paged<RouteRecord>, StoreError> {
        self.read(move |c| done(routes::list(c, org, page))).await
    }

    async fn update_route(
        &self,
        org: OrgId,
        id: RouteId,
        expected: u64,
        settings: RouteSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<RouteRecord, RouteRefusal>>, StoreError> {
        self.decide(move |c| done(routes::update(c, (org, id), expected, settings, at, by)))
            .await
    }

    async fn delete_route(
        &self,
        org: OrgId,
        id: RouteId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        self.decide(move |c| done(routes::delete(c, org, id, expected, by)))
            .await
    }

    async fn write_persona(
        &self,
        new: NewPersona,
        by: By,
    ) -> Result<Once<WritePersona>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(personas::write(c, now, &new, by)))
            .await
    }

    async fn persona(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<PersonaRecord>, StoreError> {
        let (key, version) = (key.map(str::to_owned), version.map(str::to_owned));
        self.read(move |c| done(personas::get(c, org, key.as_deref(), version.as_deref())))
            .await
    }

    async fn personas(&self, org: OrgId, page: Page) -> Result<Paged<PersonaRecord>, StoreError> {
        self.read(move |c| done(personas::list(c, org, page))).await
    }

    async fn persona_versions(
        &self,
        org: OrgId,
        key: &str,
        page: Page,
    ) -> Result<Option<Paged<PersonaRecord>>, StoreError> {
        let key = key.to_owned();
        self.read(move |c| done(personas::versions(c, org, &key, page)))
            .await
    }

    async fn delete_persona(
        &self,
        org: OrgId,
        key: &str,
        expected: Option<u64>,
        at: Timestamp,
        by: By,
    ) -> Result<DeletePersona, StoreError> {
        let key = key.to_owned();
        self.decide(move |c| done(personas::delete(c, org, &key, expected, at, by)))
            .await
    }
}

#[async_trait]
impl DataKeys for SqliteStore {
    async fn create_data_key(&self, key: DataKey) -> Result<bool, StoreError> {
        self.write(move |c| done(data_keys::create(c, key))).await
    }

    async fn data_key(
        &self,
        org: OrgId,
        version: Option<u32>,
    ) -> Result<Option<DataKey>, StoreError> {
        self.read(move |c| done(data_keys::get(c, org, version)))
            .await
    }
}
