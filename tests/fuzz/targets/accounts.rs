//! Accounts with one person, who has a token and a key.

use std::sync::Arc;

use runloom_accounts::{Accounts, AccountsConfig, ApiKeyRequest, Secret, TokenKeys};
use runloom_domain::SystemClock;
use runloom_store::memory::MemoryStore;
use runloom_store::{Once, Origin};
use tokio::runtime::{Builder, Runtime};

pub struct Known {
    runtime: Runtime,
    accounts: Accounts,
    /// An access token and an API key that are good.
    pub token: String,
    pub key: String,
}

impl Known {
    /// The same one for all inputs: hashing a password takes longer than many inputs.
    pub fn with(test: impl FnOnce(&Self)) {
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

    pub fn is_let_in(&self, bearer: &str) -> bool {
        let caller = self.accounts.authenticate(bearer);
        self.runtime.block_on(caller).is_ok()
    }
}

async fn registered() -> (Accounts, String, String) {
    let clock = Arc::new(SystemClock);
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let keys = TokenKeys::derive(&[7; 32]);
    let accounts = Accounts::new(store, clock, &keys, AccountsConfig::default());
    let password = Secret::from("correct horse battery staple");
    let registered = accounts.register(
        "ada",
        "ada@example.org",
        password,
        Origin::default(),
        |_| None,
    );
    let registered = match registered.await.expect("it is free") {
        Once::Done(registered) => registered,
        _ => panic!("it is new"),
    };
    let token = registered.access_token.token.expose().to_owned();
    let caller = accounts.authenticate(&token).await.expect("it is good");
    let request = ApiKeyRequest {
        name: "main".to_owned(),
        scopes: vec!["runs.read".to_owned()],
        expires_at: None,
    };
    let created = accounts.create_api_key(&caller, request, |_| None).await;
    let key = match created.expect("it may be made") {
        Once::Done(created) => created.secret.expose().to_owned(),
        _ => panic!("it is new"),
    };
    (accounts, token, key)
}
