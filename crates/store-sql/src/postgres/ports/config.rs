//! What organisations have configured.

use async_trait::async_trait;
use futures_util::FutureExt;
use runloom_domain::{CredentialId, OrgId, RouteId, Timestamp};
use runloom_store::{
    By, ConfigStore, Configured, CredentialRecord, CredentialSettings, DataKey, DataKeys,
    DeleteConfig, DeletePersona, Idempotency, NewCredential, NewPersona, NewRoute, Once, Page,
    Paged, PersonaRecord, RouteRecord, RouteRefusal, RouteSettings, StoreError, Update,
    WritePersona,
};

use crate::postgres::dialect::Now;
use crate::postgres::queries::{config, credentials, data_keys, personas, routes};
use crate::postgres::scope::Scope;
use crate::postgres::transaction::transaction;
use crate::postgres::{PostgresStore, error};

#[async_trait]
impl ConfigStore for PostgresStore {
    async fn config_version(&self, org: OrgId) -> Result<u64, StoreError> {
        read!(self, any(org), config::version(org))
    }

    async fn configured(&self, org: OrgId) -> Result<Configured, StoreError> {
        read!(self, any(org), config::read(org))
    }

    async fn create_credential(
        &self,
        new: NewCredential,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        decide!(self, create(new.org_id), (new, once), |c, (new, once)| {
            credentials::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn credential(
        &self,
        org: OrgId,
        id: CredentialId,
    ) -> Result<Option<CredentialRecord>, StoreError> {
        read!(self, any(org), credentials::get(org, id))
    }

    async fn credentials(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CredentialRecord>, StoreError> {
        read!(self, any(org), credentials::list(org, page))
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
        decide!(self, any(org), settings, |c, settings| {
            credentials::update(c, (org, id), expected, settings.clone(), at, by)
        })
    }

    async fn delete_credential(
        &self,
        org: OrgId,
        id: CredentialId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        decide!(self, any(org), (), |c, ()| credentials::delete(
            c, org, id, expected, by
        ))
    }

    async fn create_route(
        &self,
        new: NewRoute,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), RouteRefusal>>, StoreError> {
        decide!(self, create(new.org_id), (new, once), |c, (new, once)| {
            routes::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn route(&self, org: OrgId, id: RouteId) -> Result<Option<RouteRecord>, StoreError> {
        read!(self, any(org), routes::get(org, id))
    }

    async fn routes(&self, org: OrgId, page: Page) -> Result<Paged<RouteRecord>, StoreError> {
        read!(self, any(org), routes::list(org, page))
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
        decide!(self, any(org), settings, |c, settings| {
            routes::update(c, (org, id), expected, settings.clone(), at, by)
        })
    }

    async fn delete_route(
        &self,
        org: OrgId,
        id: RouteId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        decide!(self, any(org), (), |c, ()| routes::delete(
            c, org, id, expected, by
        ))
    }

    async fn write_persona(
        &self,
        new: NewPersona,
        by: By,
    ) -> Result<Once<WritePersona>, StoreError> {
        decide!(self, create(new.org_id), new, |c, new| personas::write(
            c, Now, new, by
        ))
    }

    async fn persona(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<PersonaRecord>, StoreError> {
        read!(self, any(org), personas::get(org, key, version))
    }

    async fn personas(&self, org: OrgId, page: Page) -> Result<Paged<PersonaRecord>, StoreError> {
        read!(self, any(org), personas::list(org, page))
    }

    async fn persona_versions(
        &self,
        org: OrgId,
        key: &str,
        page: Page,
    ) -> Result<Option<Paged<PersonaRecord>>, StoreError> {
        read!(self, any(org), personas::versions(org, key, page))
    }

    async fn delete_persona(
        &self,
        org: OrgId,
        key: &str,
        expected: Option<u64>,
        at: Timestamp,
        by: By,
    ) -> Result<DeletePersona, StoreError> {
        decide!(self, any(org), key.to_owned(), |c, key| {
            personas::delete(c, org, key, expected, at, by)
        })
    }
}

#[async_trait]
impl DataKeys for PostgresStore {
    async fn create_data_key(&self, key: DataKey) -> Result<bool, StoreError> {
        write!(self, any(key.org_id), c => data_keys::create(c, key).await)
    }

    async fn data_key(
        &self,
        org: OrgId,
        version: Option<u32>,
    ) -> Result<Option<DataKey>, StoreError> {
        read!(self, any(org), data_keys::get(org, version))
    }
}
