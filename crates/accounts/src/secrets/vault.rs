use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use runloom_domain::{Clock, EncryptedSecret, OrgId};
use runloom_store::{DataKey, DataKeys, StoreError};

use super::plain_key::PlainKey;
use super::{MasterKey, Place, cipher};
use crate::Secret;

/// How many data keys a node remembers.
const REMEMBERED: usize = 10_000;

/// The version of an organisation's first key.
const FIRST: u32 = 1;

/// Encrypts and decrypts the secrets of organisations; one per process, shared by all.
///
/// Dropping a future of its methods is harmless: a key whose storing has begun is used by the
/// next call.
pub struct Vault {
    store: Arc<dyn DataKeys>,
    clock: Arc<dyn Clock>,
    master: MasterKey,
    previous: Vec<MasterKey>,
    /// A key that is stored never changes, so what is here is never outdated.
    known: Cache<(OrgId, u32), Arc<PlainKey>>,
}

/// Why a secret was not encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The organisation has no key of this version.
    #[error("the organisation {org} has no data key {key_version}")]
    NoDataKey {
        /// The organisation.
        org: OrgId,
        /// The version.
        key_version: u32,
    },
    /// The data key is wrapped by a master key that this server doesn't have.
    #[error(
        "the data key {key_version} of {org} is wrapped by the master key {master_key_id}, which this server doesn't have"
    )]
    UnknownMasterKey {
        /// The organisation.
        org: OrgId,
        /// The data key's version.
        key_version: u32,
        /// The master key.
        master_key_id: String,
    },
    /// The stored data key has been changed or moved.
    #[error("the data key {key_version} of {org} is not authentic")]
    DataKey {
        /// The organisation.
        org: OrgId,
        /// The version.
        key_version: u32,
    },
    /// The stored secret has been changed or moved.
    #[error("the secret in {table}.{column} of {row} is not authentic")]
    Secret {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row's id.
        row: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Vault {
    /// A vault whose data keys are in `store`, wrapped by `master`.
    pub fn new(store: Arc<dyn DataKeys>, clock: Arc<dyn Clock>, master: MasterKey) -> Self {
        Self {
            store,
            clock,
            master,
            previous: Vec::new(),
            known: Cache::new(REMEMBERED),
        }
    }

    /// Also opens what was sealed under another master secret. To change the master secret,
    /// first every node learns the new one this way, then it becomes the main one everywhere and
    /// the old one is kept this way until a [`Rotation`](super::Rotation) has been run.
    #[must_use]
    pub fn also_opening(mut self, previous: MasterKey) -> Self {
        self.previous.push(previous);
        self
    }

    /// Encrypts a secret for the place where it is to be stored, by the organisation's newest
    /// data key, which is made when it has none.
    pub async fn seal(
        &self,
        org: OrgId,
        place: Place<'_>,
        secret: &Secret,
    ) -> Result<EncryptedSecret, VaultError> {
        let stored = self.newest(org).await?;
        let key = self.remember(&stored)?;
        let associated = place.associated(org, stored.key_version);
        let sealed = cipher::seal(key.expose(), &associated, secret.expose().as_bytes());
        Ok(EncryptedSecret {
            key_version: stored.key_version,
            nonce: sealed.nonce,
            ciphertext: sealed.ciphertext,
        })
    }

    /// Decrypts a secret that is stored at `place`.
    pub async fn open(
        &self,
        org: OrgId,
        place: Place<'_>,
        encrypted: &EncryptedSecret,
    ) -> Result<Secret, VaultError> {
        let key = self.key(org, encrypted.key_version).await?;
        let associated = place.associated(org, encrypted.key_version);
        let (nonce, ciphertext) = (encrypted.nonce, &encrypted.ciphertext);
        let text = cipher::open(key.expose(), &associated, nonce, ciphertext).ok();
        let text = text.as_deref().and_then(|text| str::from_utf8(text).ok());
        text.map(Secret::from).ok_or_else(|| VaultError::Secret {
            table: place.table.to_owned(),
            column: place.column.to_owned(),
            row: place.row.to_owned(),
        })
    }

    async fn key(&self, org: OrgId, key_version: u32) -> Result<Arc<PlainKey>, VaultError> {
        if let Some(key) = self.known.get(&(org, key_version)) {
            return Ok(key);
        }
        let stored = self.store.data_key(org, Some(key_version)).await?;
        let stored = stored.ok_or(VaultError::NoDataKey { org, key_version })?;
        self.remember(&stored)
    }

    /// The key for new secrets. The store is asked each time, since another node may have made
    /// a newer one; secrets are stored far less often than they are used.
    async fn newest(&self, org: OrgId) -> Result<DataKey, VaultError> {
        if let Some(newest) = self.store.data_key(org, None).await? {
            return Ok(newest);
        }
        // Another node may be first, and then its key is the one that is there.
        self.store.create_data_key(self.new_key(org, FIRST)).await?;
        let made = self.store.data_key(org, None).await?;
        made.ok_or(VaultError::NoDataKey {
            org,
            key_version: FIRST,
        })
    }

    /// A data key that nothing is encrypted with yet.
    pub(super) fn new_key(&self, org: OrgId, key_version: u32) -> DataKey {
        DataKey {
            org_id: org,
            key_version,
            wrapped: self.master.wrap(org, key_version, &PlainKey::generate()),
            master_key_id: self.master.id().to_owned(),
            created_at: self.clock.now(),
        }
    }

    /// The same data key as the main master key wraps it; nothing when it does already.
    pub(super) fn rewrapped(&self, stored: &DataKey) -> Result<Option<DataKey>, VaultError> {
        if stored.master_key_id == self.master.id() {
            return Ok(None);
        }
        let key = self.unwrap(stored)?;
        Ok(Some(DataKey {
            wrapped: self.master.wrap(stored.org_id, stored.key_version, &key),
            master_key_id: self.master.id().to_owned(),
            ..stored.clone()
        }))
    }

    fn remember(&self, stored: &DataKey) -> Result<Arc<PlainKey>, VaultError> {
        let key = Arc::new(self.unwrap(stored)?);
        let place = (stored.org_id, stored.key_version);
        self.known.insert(place, Arc::clone(&key));
        Ok(key)
    }

    fn unwrap(&self, stored: &DataKey) -> Result<PlainKey, VaultError> {
        let (org, key_version) = (stored.org_id, stored.key_version);
        let wanted = &stored.master_key_id;
        let mut masters = std::iter::once(&self.master).chain(&self.previous);
        let master = masters
            .find(|master| master.id() == wanted)
            .ok_or_else(|| VaultError::UnknownMasterKey {
                org,
                key_version,
                master_key_id: wanted.clone(),
            })?;
        master
            .unwrap(org, key_version, &stored.wrapped)
            .ok_or(VaultError::DataKey { org, key_version })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("master", &self.master)
            .field("previous", &self.previous)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
