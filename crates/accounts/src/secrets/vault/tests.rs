use runloom_domain::{ManualClock, Timestamp};
use runloom_store::memory::MemoryStore;

use super::*;

const PLACE: Place<'static> = Place {
    table: "llm_credentials",
    row: "1",
    column: "api_key",
};

const TEXT: &str = "correct horse battery staple";

fn master(byte: u8) -> MasterKey {
    MasterKey::derive(&[byte; 32])
}

fn org(at: i64) -> OrgId {
    OrgId::generate(Timestamp::from_micros(at))
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(1)))
}

fn store() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(clock()))
}

fn vault(store: &Arc<MemoryStore>, master: MasterKey) -> Vault {
    Vault::new(store.clone(), clock(), master)
}

async fn seal(vault: &Vault, org: OrgId) -> EncryptedSecret {
    vault.seal(org, PLACE, &TEXT.into()).await.unwrap()
}

/// What it opens to, or why it doesn't.
async fn open(vault: &Vault, org: OrgId, place: Place<'_>, it: &EncryptedSecret) -> String {
    match vault.open(org, place, it).await {
        Ok(secret) => secret.expose().to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_secret_opens_on_every_node_where_it_was_stored() {
    let (store, org) = (store(), org(1));
    let node = vault(&store, master(1));
    let first = seal(&node, org).await;
    let second = seal(&node, org).await;
    assert_eq!((first.key_version, second.key_version), (1, 1));
    assert_ne!(first.nonce, second.nonce);
    for node in [node, vault(&store, master(1))] {
        assert_eq!(open(&node, org, PLACE, &first).await, TEXT);
        assert_eq!(open(&node, org, PLACE, &second).await, TEXT);
    }
    let empty = vault(&store, master(1)).seal(org, PLACE, &"".into()).await;
    let node = vault(&store, master(1));
    assert_eq!(open(&node, org, PLACE, &empty.unwrap()).await, "");
}

#[tokio::test]
async fn a_secret_that_was_moved_does_not_open() {
    let (store, org) = (store(), org(1));
    let vault = vault(&store, master(1));
    let stored = seal(&vault, org).await;
    let places = [
        Place {
            table: "mcp_servers",
            ..PLACE
        },
        Place { row: "2", ..PLACE },
        Place {
            column: "token",
            ..PLACE
        },
        // The same letters in a row, cut elsewhere.
        Place {
            row: "1a",
            column: "pi_key",
            ..PLACE
        },
    ];
    for place in places {
        assert!(
            open(&vault, org, place, &stored)
                .await
                .ends_with("is not authentic")
        );
    }
    let other = self::org(2);
    seal(&vault, other).await;
    assert_eq!(
        open(&vault, other, PLACE, &stored).await,
        "the secret in llm_credentials.api_key of 1 is not authentic"
    );
}

#[tokio::test]
async fn a_secret_opens_under_its_own_version_only() {
    let (store, org) = (store(), org(1));
    let vault = vault(&store, master(1));
    let mut stored = seal(&vault, org).await;
    // The second version is the same key, so the version alone tells them apart.
    let first = store.data_key(org, Some(1)).await.unwrap().unwrap();
    let key = master(1).unwrap(org, 1, &first.wrapped).unwrap();
    let second = DataKey {
        key_version: 2,
        wrapped: master(1).wrap(org, 2, &key),
        ..first
    };
    store.create_data_key(second).await.unwrap();
    assert_eq!(seal(&vault, org).await.key_version, 2);
    assert_eq!(open(&vault, org, PLACE, &stored).await, TEXT);
    stored.key_version = 2;
    assert!(
        open(&vault, org, PLACE, &stored)
            .await
            .ends_with("is not authentic")
    );
    stored.key_version = 3;
    assert!(
        open(&vault, org, PLACE, &stored)
            .await
            .ends_with("has no data key 3")
    );
}

#[tokio::test]
async fn a_changed_secret_does_not_open() {
    let (store, org) = (store(), org(1));
    let vault = vault(&store, master(1));
    let stored = seal(&vault, org).await;
    let mut changed = [stored.clone(), stored.clone(), stored.clone()];
    changed[0].ciphertext[0] ^= 1;
    changed[1].nonce[0] ^= 1;
    changed[2].ciphertext.clear();
    for it in changed {
        assert!(
            open(&vault, org, PLACE, &it)
                .await
                .ends_with("is not authentic")
        );
    }
    assert_eq!(open(&vault, org, PLACE, &stored).await, TEXT);
}

#[tokio::test]
async fn another_master_secret_opens_nothing_until_the_old_is_named() {
    let (store, org) = (store(), org(1));
    let stored = seal(&vault(&store, master(1)), org).await;
    let other = vault(&store, master(2));
    let why = open(&other, org, PLACE, &stored).await;
    assert!(why.ends_with(&format!(
        "the master key {}, which this server doesn't have",
        master(1).id()
    )));
    let both = other.also_opening(master(1));
    assert_eq!(open(&both, org, PLACE, &stored).await, TEXT);
    seal(&both, org).await;
    let keys = store.data_key(org, None).await.unwrap().unwrap();
    assert_eq!(keys.master_key_id, master(1).id());
}

#[tokio::test]
async fn a_data_key_that_was_changed_or_moved_does_not_open() {
    let (store, one) = (store(), org(1));
    seal(&vault(&store, master(1)), one).await;
    let good = store.data_key(one, None).await.unwrap().unwrap();
    let mut moved = good.clone();
    moved.org_id = org(2);
    let mut changed = good.clone();
    changed.wrapped[20] ^= 1;
    let mut short = good.clone();
    short.wrapped.truncate(5);
    // Another's key under this one's name.
    let mut renamed = good.clone();
    renamed.wrapped = master(2).wrap(one, 1, &PlainKey::generate());
    for record in [moved, changed, short, renamed] {
        let (org, store) = (record.org_id, self::store());
        store.create_data_key(record).await.unwrap();
        let vault = vault(&store, master(1));
        let sealed = vault.seal(org, PLACE, &TEXT.into()).await;
        assert!(
            matches!(sealed, Err(VaultError::DataKey { .. })),
            "{sealed:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_race_for_the_first_key_agree() {
    for at in 0..50 {
        let (store, org) = (store(), org(at));
        let start = Arc::new(tokio::sync::Barrier::new(4));
        let nodes = (0..4).map(|_| {
            let (node, start) = (vault(&store, master(1)), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                seal(&node, org).await
            })
        });
        let nodes: Vec<_> = nodes.collect();
        let late = vault(&store, master(1));
        for node in nodes {
            let stored = node.await.unwrap();
            assert_eq!(open(&late, org, PLACE, &stored).await, TEXT);
        }
    }
}

#[tokio::test]
async fn nothing_is_shown() {
    let (store, org) = (store(), org(1));
    let vault = vault(&store, master(1));
    let stored = seal(&vault, org).await;
    let secret = vault.open(org, PLACE, &stored).await.unwrap();
    let key = PlainKey::from_bytes(&[77; 32]).unwrap();
    assert_eq!(format!("{secret:?} {key:?}"), "Secret(…) PlainKey(…)");
    let id = master(1).id().to_owned();
    assert_eq!(
        format!("{:?}", master(1)),
        format!("MasterKey {{ id: {id:?}, .. }}")
    );
    assert!(!format!("{vault:?}{stored:?}").contains("horse"));
    let record = store.data_key(org, None).await.unwrap().unwrap();
    let key = master(1).unwrap(org, 1, &record.wrapped).unwrap();
    let shown = format!("{vault:?}{record:?}");
    assert!(!shown.contains(&format!("{:?}", key.expose()).replace(['[', ']'], "")));
}
