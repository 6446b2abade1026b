use runloom_domain::{CredentialId, ManualClock, OrgRole, Timestamp, UserId};
use runloom_store::memory::MemoryStore;
use runloom_store::{
    AccountStore as _, By, ConfigStore as _, CredentialSettings, NewAccount, NewCredential,
    StoredKey,
};

use super::*;
use crate::{MasterKey, Secret};

const AT: Timestamp = Timestamp::from_micros(1);

fn vault(store: &Arc<MemoryStore>, main: u8, others: &[u8]) -> Vault {
    let clock = Arc::new(ManualClock::new(AT));
    let vault = Vault::new(store.clone(), clock, MasterKey::derive(&[main; 32]));
    others.iter().fold(vault, |vault, other| {
        vault.also_opening(MasterKey::derive(&[*other; 32]))
    })
}

/// An organisation with a credential, and what opens the credential's secret.
async fn organisation(store: &Arc<MemoryStore>, name: &str) -> (OrgId, CredentialId) {
    let (org_id, user_id) = (OrgId::generate(AT), UserId::generate(AT));
    let account = NewAccount {
        user_id,
        org_id,
        org_name: name.to_owned(),
        login: name.to_owned(),
        email: format!("{name}@example.org"),
        password_hash: "x".to_owned(),
        role: OrgRole::Owner,
        api_key: None,
        session: None,
        created_at: AT,
    };
    store
        .create_account(account, None, By::system(AT))
        .await
        .unwrap();
    let credential_id = CredentialId::generate(AT);
    let row = credential_id.to_string();
    let place = Place::of(SecretColumn::Credential, &row);
    let vault = vault(store, 1, &[]);
    let secret = vault.seal(org_id, place, &Secret::from(name)).await;
    let key = StoredKey {
        secret: secret.unwrap(),
        prefix: None,
    };
    let new = NewCredential {
        org_id,
        credential_id,
        provider: "openai_chat".to_owned(),
        settings: CredentialSettings {
            name: "main".to_owned(),
            base_url: None,
            key: Some(key),
        },
        created_by: user_id,
        created_at: AT,
    };
    store
        .create_credential(new, None, By::system(AT))
        .await
        .unwrap();
    (org_id, credential_id)
}

/// The stored secret's data key, and its text or why it doesn't open.
async fn opened(
    store: &Arc<MemoryStore>,
    vault: &Vault,
    (org, credential): (OrgId, CredentialId),
) -> (u32, String) {
    let found = store.credential(org, credential).await.unwrap().unwrap();
    let secret = found.settings.key.unwrap().secret;
    let row = credential.to_string();
    let place = Place::of(SecretColumn::Credential, &row);
    let text = match vault.open(org, place, &secret).await {
        Ok(text) => text.expose().to_owned(),
        Err(error) => error.to_string(),
    };
    (secret.key_version, text)
}

#[tokio::test]
async fn the_old_master_key_is_not_needed_afterwards() {
    let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::new(AT))));
    let ada = organisation(&store, "ada").await;
    let bob = organisation(&store, "bob").await;

    let rotation = Rotation::new(store.clone(), vault(&store, 2, &[1]));
    let mut told = Vec::new();
    let rotated = rotation.run(false, |rotated| told.push(rotated.orgs)).await;
    let expected = Rotated {
        orgs: 2,
        rewrapped: 2,
        ..Rotated::default()
    };
    assert_eq!((rotated.unwrap(), &told[..]), (expected, &[1, 2][..]));
    for (place, text) in [(ada, "ada"), (bob, "bob")] {
        let alone = opened(&store, &vault(&store, 2, &[]), place).await;
        assert_eq!(alone, (1, text.to_owned()));
        let (_, without) = opened(&store, &vault(&store, 1, &[]), place).await;
        assert!(without.contains("doesn't have"), "{without}");
    }
    let again = rotation.run(false, |_| {}).await.unwrap();
    assert_eq!(again.rewrapped, 0);
}

#[tokio::test]
async fn secrets_get_a_new_data_key() {
    let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::new(AT))));
    let ada = organisation(&store, "ada").await;
    let rotation = Rotation::new(store.clone(), vault(&store, 1, &[]));
    for version in [2, 3] {
        let rotated = rotation.run(true, |_| {}).await.unwrap();
        let expected = Rotated {
            orgs: 1,
            rewrapped: 0,
            made: 1,
            resealed: 1,
        };
        assert_eq!(rotated, expected);
        let found = opened(&store, &vault(&store, 1, &[]), ada).await;
        assert_eq!(found, (version, "ada".to_owned()));
    }
}

#[tokio::test]
async fn a_key_of_an_unknown_master_key_ends_it() {
    let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::new(AT))));
    let ada = organisation(&store, "ada").await;
    let rotation = Rotation::new(store.clone(), vault(&store, 2, &[3]));
    let error = rotation.run(true, |_| {}).await.unwrap_err();
    assert!(matches!(error, VaultError::UnknownMasterKey { org, .. } if org == ada.0));
}
