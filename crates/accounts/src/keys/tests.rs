use std::time::Duration;

use runloom_domain::{Clock as _, OrgRole, Permission};
use runloom_store::{Idempotency, KeyConflict, Once, Page, StoredAnswer};

use crate::testing::{Fixture, request};
use crate::{AccountError, ApiKeyRequest};

const ALL: Page = Page {
    limit: 50,
    before: None,
};

#[tokio::test]
async fn a_key_works_within_its_scopes_and_its_owners_role() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let created = f
        .key(&owner, &["runs.write", "runs.read", "runs.read"])
        .await;
    assert_eq!(created.key.scopes, ["runs.read", "runs.write"]);
    assert!(created.secret.expose().starts_with(&created.key.prefix));
    let caller = f
        .accounts
        .authenticate(created.secret.expose())
        .await
        .unwrap();
    assert_eq!(caller.principal, format!("key:{}", created.key.api_key_id));
    assert_eq!(caller.user_id, owner.user_id);
    let rights: Vec<_> = caller.rights.iter().collect();
    assert_eq!(rights, [Permission::RunsRead, Permission::RunsWrite]);
    let refused = caller.require(Permission::KeysManage);
    assert!(matches!(
        refused,
        Err(AccountError::Forbidden(Permission::KeysManage))
    ));
}

#[tokio::test]
async fn no_scopes_are_no_rights() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let created = f.key(&owner, &[]).await;
    let caller = f
        .accounts
        .authenticate(created.secret.expose())
        .await
        .unwrap();
    assert_eq!(caller.rights.iter().count(), 0);
}

#[tokio::test]
async fn nobody_gives_a_key_more_than_they_have() {
    let f = Fixture::new();
    let create = async |caller, scopes: &[&str]| {
        f.accounts
            .create_api_key(caller, request(scopes), |_| None)
            .await
    };
    let member = f.caller("ada", OrgRole::Member).await;
    let refused = create(&member, &["runs.read", "members.manage"]).await;
    assert!(matches!(
        refused,
        Err(AccountError::Forbidden(Permission::MembersManage))
    ));
    let viewer = f.caller("vic", OrgRole::Viewer).await;
    let refused = create(&viewer, &["runs.read"]).await;
    assert!(matches!(
        refused,
        Err(AccountError::Forbidden(Permission::KeysManage))
    ));

    let owner = f.caller("bob", OrgRole::Owner).await;
    let narrow = f.key(&owner, &["keys.manage", "runs.read"]).await;
    let narrow = f
        .accounts
        .authenticate(narrow.secret.expose())
        .await
        .unwrap();
    let refused = create(&narrow, &["runs.write"]).await;
    assert!(matches!(
        refused,
        Err(AccountError::Forbidden(Permission::RunsWrite))
    ));
    assert!(matches!(
        create(&narrow, &["runs.read"]).await,
        Ok(Once::Done(_))
    ));
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let bad = ApiKeyRequest {
        name: "a\0".to_owned(),
        scopes: vec!["runs.read".to_owned(), "runs.*".to_owned()],
        expires_at: Some(f.clock.now()),
        user_id: None,
    };
    let refused = f.accounts.create_api_key(&owner, bad, |_| None).await;
    let Err(AccountError::Invalid { fields }) = refused else {
        panic!("it is invalid");
    };
    let names: Vec<_> = fields.iter().map(|error| error.field).collect();
    assert_eq!(names, ["name", "expires_at", "scopes"]);
    assert!(
        f.accounts
            .api_keys(&owner, ALL)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_repeated_request_makes_no_second_key_and_shows_no_secret() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let create = async |body: [u8; 32]| {
        let once = |key: &crate::ApiKey| {
            Some(Idempotency {
                principal: owner.principal.clone(),
                operation: "POST /v1/api-keys".to_owned(),
                key: "k1".to_owned(),
                body_hash: body,
                answer: StoredAnswer {
                    status: 201,
                    body: key.api_key_id.to_string(),
                },
            })
        };
        f.accounts
            .create_api_key(&owner, request(&[]), once)
            .await
            .unwrap()
    };
    let Once::Done(first) = create([1; 32]).await else {
        panic!("the first is done");
    };
    let Once::Replayed(answer) = create([1; 32]).await else {
        panic!("the second is replayed");
    };
    assert_eq!(answer.body, first.key.api_key_id.to_string());
    let other = create([2; 32]).await;
    assert!(matches!(other, Once::Conflict(KeyConflict::Reused)));
    let listed = f.accounts.api_keys(&owner, ALL).await.unwrap().items;
    assert_eq!(listed, [first.key]);
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once_here_and_soon_elsewhere() {
    tokio::time::pause();
    let f = Fixture::new();
    let elsewhere = f.other_node();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let created = f.key(&owner, &["runs.read"]).await;
    let bearer = created.secret.expose();
    f.accounts.authenticate(bearer).await.unwrap();
    let there = elsewhere.authenticate(bearer).await.unwrap();

    let id = created.key.api_key_id;
    assert!(f.accounts.revoke_api_key(&owner, id).await.unwrap());
    assert!(!f.accounts.revoke_api_key(&owner, id).await.unwrap());
    let dead = f.accounts.authenticate(bearer).await;
    assert!(matches!(dead, Err(AccountError::Unauthorized)));
    tokio::time::advance(Duration::from_secs(2)).await;
    let dead = elsewhere.authenticate(bearer).await;
    assert!(matches!(dead, Err(AccountError::Unauthorized)));
    let dead = elsewhere.still_valid(&there).await;
    assert!(matches!(dead, Err(AccountError::Unauthorized)));
}

#[tokio::test]
async fn a_key_of_another_organisation_does_not_exist() {
    let f = Fixture::new();
    let ada = f.caller("ada", OrgRole::Owner).await;
    let bob = f.caller("bob", OrgRole::Owner).await;
    let key = f.key(&ada, &[]).await.key;
    assert!(
        f.accounts
            .api_keys(&bob, ALL)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        !f.accounts
            .revoke_api_key(&bob, key.api_key_id)
            .await
            .unwrap()
    );
    assert!(
        f.accounts
            .revoke_api_key(&ada, key.api_key_id)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_key_ends_when_it_was_said_to() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let until = f.clock.now() + Duration::from_mins(1);
    let wanted = ApiKeyRequest {
        expires_at: Some(until),
        ..request(&["runs.read"])
    };
    let made = f.accounts.create_api_key(&owner, wanted, |_| None).await;
    let Ok(Once::Done(created)) = made else {
        panic!("it is valid");
    };
    let bearer = created.secret.expose();
    let caller = f.accounts.authenticate(bearer).await.unwrap();
    assert_eq!(caller.expires_at, Some(until));
    f.clock.advance(Duration::from_mins(1));
    let ended = f.accounts.authenticate(bearer).await;
    assert!(matches!(ended, Err(AccountError::Unauthorized)));
    let ended = f.accounts.still_valid(&caller).await;
    assert!(matches!(ended, Err(AccountError::Unauthorized)));
}
