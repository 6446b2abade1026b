use std::sync::Arc;

use runloom_domain::OrgId;
use runloom_store::{DataKey, DataKeys, KeyRotation, SecretColumn, StoredSecret};

use super::{Place, Vault, VaultError};

/// Organisations and secrets that are read at a time.
const AT_ONCE: u32 = 100;

/// What has become of the keys so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Organisations that were looked at.
    pub orgs: u64,
    /// Data keys that the main master key wraps now.
    pub rewrapped: u64,
    /// Data keys that were made.
    pub made: u64,
    /// Secrets that a new data key encrypts now.
    pub resealed: u64,
}

/// Changes keys while servers use them.
///
/// Every step is a change of one row that happens only if the row is still what was read, so a
/// rotation may be broken off and started again at any time, also on two machines at once.
pub struct Rotation<S: ?Sized> {
    store: Arc<S>,
    vault: Vault,
}

impl<S: KeyRotation + DataKeys + ?Sized> Rotation<S> {
    /// A rotation of the keys in `store`. The vault knows the main master key, and every other
    /// one that has wrapped a key.
    pub const fn new(store: Arc<S>, vault: Vault) -> Self {
        Self { store, vault }
    }

    /// Wraps every data key by the main master key, and with `new_data_keys` gives each
    /// organisation that has secrets a new data key and encrypts its secrets by it. `told` hears
    /// how far it is after each organisation.
    ///
    /// Fails on the first key or secret that doesn't open; what was done before stays.
    pub async fn run(
        &self,
        new_data_keys: bool,
        mut told: impl FnMut(&Rotated),
    ) -> Result<Rotated, VaultError> {
        let (mut rotated, mut after) = (Rotated::default(), None);
        loop {
            let orgs = self.store.org_ids(after, AT_ONCE).await?;
            let Some(&last) = orgs.last() else {
                return Ok(rotated);
            };
            for org in orgs {
                let keys = self.store.data_keys(org).await?;
                self.rewrap(&keys, &mut rotated).await?;
                if new_data_keys && let Some(newest) = keys.last() {
                    self.renew(org, newest.key_version + 1, &mut rotated)
                        .await?;
                }
                rotated.orgs += 1;
                told(&rotated);
            }
            after = Some(last);
        }
    }

    async fn rewrap(&self, keys: &[DataKey], rotated: &mut Rotated) -> Result<(), VaultError> {
        for key in keys {
            let Some(rewrapped) = self.vault.rewrapped(key)? else {
                continue;
            };
            // When it was not: another rotation has done it.
            let done = self
                .store
                .rewrap_data_key(rewrapped, &key.master_key_id)
                .await?;
            rotated.rewrapped += u64::from(done);
        }
        Ok(())
    }

    /// Old data keys stay: servers may still be storing a secret under one, and backups hold
    /// what they have encrypted.
    async fn renew(
        &self,
        org: OrgId,
        version: u32,
        rotated: &mut Rotated,
    ) -> Result<(), VaultError> {
        let made = self.vault.new_key(org, version);
        rotated.made += u64::from(self.store.create_data_key(made).await?);
        for column in SecretColumn::ALL {
            while self.renew_some(org, column, version, rotated).await? > 0 {}
        }
        Ok(())
    }

    /// Encrypts some secrets anew and says how many; none when no old ones are left, or when
    /// others are changing all of those that are.
    async fn renew_some(
        &self,
        org: OrgId,
        column: SecretColumn,
        version: u32,
        rotated: &mut Rotated,
    ) -> Result<u64, VaultError> {
        let old = self.store.secrets_below(org, column, version, AT_ONCE);
        let mut resealed = 0;
        for secret in old.await? {
            resealed += u64::from(self.reseal(org, column, secret).await?);
        }
        rotated.resealed += resealed;
        Ok(resealed)
    }

    async fn reseal(
        &self,
        org: OrgId,
        column: SecretColumn,
        old: StoredSecret,
    ) -> Result<bool, VaultError> {
        let row = old.row.to_string();
        let place = Place::of(column, &row);
        let secret = self.vault.open(org, place, &old.secret).await?;
        let new = self.vault.seal(org, place, &secret).await?;
        Ok(self.store.reseal(org, column, old, new).await?)
    }
}

#[cfg(test)]
mod tests;
