//! Accounts with one person, who has a token and a key.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use runloom_accounts::{Accounts, AccountsConfig, Login, TokenKeys};
use runloom_domain::SystemClock;
use runloom_store::memory::MemoryStore;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Known {
    runtime: Runtime,
    accounts: Accounts,
    /// An access token and an API key that are good.
    pub(crate) token: String,
    pub(crate) key: String,
}

impl Known {
    /// The same one for all inputs: hashing a password takes longer than many inputs.
    pub(crate) fn with(test: impl FnOnce(&Self)) {
        thread_local! {
            static KNOWN: Known = Known::new();
        }
        KNOWN.with(test);
    }

    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (accounts, token, key) = runtime.block_on(registered());
        Self {
            runtime,
            accounts,
            token,
            key,
        }
    }

    pub(crate) fn is_let_in(&self, bearer: &str) -> bool {
        let caller = self.accounts.authenticate(bearer);
        self.runtime.block_on(caller).is_ok()
    }
}

async fn registered() -> (Accounts, String, String) {
    let clock = Arc::new(SystemClock);
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let keys = TokenKeys::derive(&[7; 32]);
    let config = AccountsConfig::default();
    let accounts = Accounts::new(store.clone(), store, clock, &keys, config);
    let owner = accounts.first_owner("ada", "ada@example.org").await;
    let owner = owner.expect("it is free").expect("it is new");
    let login = Login {
        name: owner.login,
        password: owner.password,
        org_id: None,
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        trace_id: None,
    };
    let tokens = accounts.login(login).await.expect("it is right");
    let token = tokens.access.token.expose().to_owned();
    (accounts, token, owner.api_key.expose().to_owned())
}
