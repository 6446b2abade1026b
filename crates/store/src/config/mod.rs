//! What an organisation has configured: credentials of model providers, routes to models, and
//! personas.

mod credential;
mod persona;
mod route;

use async_trait::async_trait;
use runloom_domain::{CredentialId, OrgId, RouteId, Timestamp};

pub use credential::{CredentialRecord, CredentialSettings, NewCredential, StoredKey};
pub use persona::{
    DeletePersona, NewPersona, PersonaAnswer, PersonaHead, PersonaRecord, PersonaTarget,
    PersonaVersion, WritePersona, next_version,
};
pub use route::{
    Configured, MAX_ROUTES, NewRoute, RouteRecord, RouteRefusal, RouteSettings, refused_fallback,
};

use crate::{By, Idempotency, Once, Page, Paged, StoreError};

/// What became of a change to a row that the caller had seen in some version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update<T> {
    /// This is what has become of it.
    Done(T),
    /// It has another version by now; nothing was written.
    Stale,
    /// There is no such row.
    Absent,
}

/// What became of a row that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteConfig {
    /// It is gone.
    Deleted,
    /// It has another version by now; nothing was written.
    Stale,
    /// There is no such row.
    Absent,
    /// Nothing was written: others need it.
    InUse {
        /// Routes that refer to it.
        routes: u64,
        /// Runs that have not ended and froze it at their beginning.
        runs: u64,
    },
}

/// The configuration of organisations.
///
/// Writes to one organisation's configuration follow each other, and each raises the counter
/// that [`config_version`](Self::config_version) tells.
///
/// A run *uses* a route or a credential when the private payload of its first event names it:
/// that is where it froze the route that it starts with, those that it may fall back to, and
/// their credentials. A run that is created in the moment of a deletion may still have frozen
/// what is then gone.
#[async_trait]
pub trait ConfigStore: Send + Sync + 'static {
    /// How often the organisation's configuration has been written; cheap to ask.
    async fn config_version(&self, org: OrgId) -> Result<u64, StoreError>;

    /// All that creating a run needs to know of the organisation's configuration, besides
    /// personas. What is written while this reads may be in it already, under the version of
    /// before.
    async fn configured(&self, org: OrgId) -> Result<Configured, StoreError>;

    /// Stores a credential.
    async fn create_credential(
        &self,
        new: NewCredential,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError>;

    /// Reads a credential.
    async fn credential(
        &self,
        org: OrgId,
        credential: CredentialId,
    ) -> Result<Option<CredentialRecord>, StoreError>;

    /// Lists an organisation's credentials.
    async fn credentials(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CredentialRecord>, StoreError>;

    /// Replaces what a credential consists of, if it still has the version `expected`.
    async fn update_credential(
        &self,
        org: OrgId,
        credential: CredentialId,
        expected: u64,
        settings: CredentialSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<CredentialRecord>, StoreError>;

    /// Deletes a credential with its secret, unless a route refers to it or a run uses it.
    async fn delete_credential(
        &self,
        org: OrgId,
        credential: CredentialId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError>;

    /// Stores a route.
    async fn create_route(
        &self,
        new: NewRoute,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), RouteRefusal>>, StoreError>;

    /// Reads a route.
    async fn route(&self, org: OrgId, route: RouteId) -> Result<Option<RouteRecord>, StoreError>;

    /// Lists an organisation's routes.
    async fn routes(&self, org: OrgId, page: Page) -> Result<Paged<RouteRecord>, StoreError>;

    /// Replaces what a route consists of, if it still has the version `expected`. Runs that
    /// have begun go on with what they froze.
    async fn update_route(
        &self,
        org: OrgId,
        route: RouteId,
        expected: u64,
        settings: RouteSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<RouteRecord, RouteRefusal>>, StoreError>;

    /// Deletes a route, unless another one falls back to it or a run uses it.
    async fn delete_route(
        &self,
        org: OrgId,
        route: RouteId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError>;

    /// Makes a persona, or a further version of one.
    async fn write_persona(
        &self,
        new: NewPersona,
        by: By,
    ) -> Result<Once<WritePersona>, StoreError>;

    /// Reads a persona in a version, or in its newest one; the organisation's default persona
    /// when `key` is absent.
    async fn persona(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<PersonaRecord>, StoreError>;

    /// Lists an organisation's personas, each in its newest version.
    async fn personas(&self, org: OrgId, page: Page) -> Result<Paged<PersonaRecord>, StoreError>;

    /// Lists the versions of a persona by falling number, which is the id of their page keys;
    /// `None` when there is no such persona.
    async fn persona_versions(
        &self,
        org: OrgId,
        key: &str,
        page: Page,
    ) -> Result<Option<Paged<PersonaRecord>>, StoreError>;

    /// Deletes a persona with all its versions, if its newest version has the number
    /// `expected`. Their names stay taken, so that a name never means two things.
    async fn delete_persona(
        &self,
        org: OrgId,
        key: &str,
        expected: Option<u64>,
        at: Timestamp,
        by: By,
    ) -> Result<DeletePersona, StoreError>;
}
