use std::sync::Arc;

use anyhow::Result;
use runloom_accounts::{MasterKey as WrappingKey, TokenKeys, Vault};
use runloom_domain::Clock;
use runloom_store::DataKeys;

use crate::config::{Config, MasterKey};
use crate::wiring;

/// What the keys of a deployment derive from: 32 bytes for each master key, the main one first.
pub struct Keys {
    main: [u8; 32],
    others: Vec<[u8; 32]>,
}

impl Keys {
    /// The keys that a server with this configuration uses. In development mode one is made if
    /// there is none.
    pub fn of(config: &Config) -> Result<Self> {
        wiring::keys(config)
    }

    pub(crate) fn new(main: &MasterKey, others: &[MasterKey]) -> Self {
        Self {
            main: main.seed(),
            others: others.iter().map(MasterKey::seed).collect(),
        }
    }

    /// A vault that seals by the main key and opens by all of them.
    pub fn vault(&self, store: Arc<dyn DataKeys>, clock: Arc<dyn Clock>) -> Vault {
        let vault = Vault::new(store, clock, WrappingKey::derive(&self.main));
        self.others.iter().fold(vault, |vault, other| {
            vault.also_opening(WrappingKey::derive(other))
        })
    }

    /// Keys of tokens: signed by the main one, accepted from all of them.
    pub(crate) fn tokens(&self) -> TokenKeys {
        let keys = TokenKeys::derive(&self.main);
        self.others.iter().fold(keys, TokenKeys::also_accepting)
    }
}
