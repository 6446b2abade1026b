use std::time::Duration;

use runloom_domain::{OrgRole, Permission, RunVisibility};
use runloom_store::{Once, OrgPatch, Origin, Page, Update};

use super::*;
use crate::testing::{Fixture, request};
use crate::{AccountError, Accounts, ApiKeyRequest, Caller, Secret};

const PASSWORD: &str = "a long enough passphrase";

async fn invited(accounts: &Accounts, by: &Caller, email: &str, role: OrgRole) -> Secret {
    let request = InvitationRequest {
        email: email.to_owned(),
        role,
    };
    match accounts.invite(by, request, |_| None).await.unwrap() {
        Once::Done(invited) => invited.token,
        other => panic!("nothing to replay: {other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, AccountError>) -> OrgRefusal {
    match outcome {
        Err(AccountError::Refused(refusal)) => refusal,
        other => panic!("it is not refused: {other:?}"),
    }
}

async fn service(f: &Fixture, by: &Caller, role: OrgRole) -> Result<ServiceAccount, AccountError> {
    let name = "ci".to_owned();
    let request = ServiceAccountRequest { name, role };
    match f
        .accounts
        .create_service_account(by, request, |_| None)
        .await?
    {
        Once::Done(account) => Ok(account),
        other => panic!("nothing to replay: {other:?}"),
    }
}

#[tokio::test]
async fn nobody_gives_a_role_above_their_own() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let admin = f.colleague(&owner, "bob", OrgRole::Admin).await;
    let member = f.colleague(&owner, "eve", OrgRole::Member).await;
    let above = OrgRefusal::AboveOwnRole;
    let set = async |by, user, role| f.accounts.set_role(by, user, role).await;
    assert_eq!(
        refused(set(&admin, member.user_id, OrgRole::Owner).await),
        above
    );
    assert_eq!(
        refused(set(&admin, owner.user_id, OrgRole::Viewer).await),
        above
    );
    let removed = f.accounts.remove_member(&admin, owner.user_id).await;
    assert_eq!(refused(removed), above);
    assert_eq!(refused(service(&f, &admin, OrgRole::Owner).await), above);
    let request = InvitationRequest {
        email: "x@example.com".to_owned(),
        role: OrgRole::Owner,
    };
    let refusal = refused(f.accounts.invite(&admin, request, |_| None).await);
    assert_eq!(refusal, above);
    for forbidden in [
        set(&member, member.user_id, OrgRole::Viewer)
            .await
            .map(drop),
        f.accounts.remove_member(&member, admin.user_id).await,
        service(&f, &member, OrgRole::Viewer).await.map(drop),
    ] {
        let needed = Permission::MembersManage;
        assert!(matches!(forbidden, Err(AccountError::Forbidden(p)) if p == needed));
    }
    set(&admin, member.user_id, OrgRole::Admin).await.unwrap();
    assert_eq!(
        refused(f.accounts.remove_member(&owner, owner.user_id).await),
        OrgRefusal::LastOwner
    );
}

#[tokio::test(start_paused = true)]
async fn a_removed_member_is_nobody_at_once_here_and_soon_elsewhere() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let bob = f.colleague(&owner, "bob", OrgRole::Member).await;
    let key = f.key(&bob, &["runs.read"]).await.secret;
    let other = f.other_node();
    let bobs = f.accounts.access_token(bob.org_id, bob.user_id, None).token;
    for bearer in [bobs.expose(), key.expose()] {
        f.accounts.authenticate(bearer).await.unwrap();
        other.authenticate(bearer).await.unwrap();
    }
    // Whoever leaves needs no permission, but a key isn't its owner.
    let by_key = f.accounts.authenticate(key.expose()).await.unwrap();
    let left = f.accounts.remove_member(&by_key, bob.user_id).await;
    assert!(matches!(left, Err(AccountError::Forbidden(_))), "{left:?}");
    f.accounts.remove_member(&bob, bob.user_id).await.unwrap();
    for bearer in [bobs.expose(), key.expose()] {
        let here = f.accounts.authenticate(bearer).await;
        assert!(matches!(here, Err(AccountError::Unauthorized)), "{here:?}");
    }
    assert!(
        other.authenticate(bobs.expose()).await.is_ok(),
        "it is remembered"
    );
    tokio::time::advance(Duration::from_secs(2)).await;
    for bearer in [bobs.expose(), key.expose()] {
        let there = other.authenticate(bearer).await;
        assert!(
            matches!(there, Err(AccountError::Unauthorized)),
            "{there:?}"
        );
    }
}

#[tokio::test]
async fn a_token_is_good_for_its_address_for_a_week() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let token = invited(&f.accounts, &owner, "Grace@Example.com", OrgRole::Member).await;
    let wrong = Secret::from("rli_x".to_owned());
    let register = async |login: &str, email: &str, token: &Secret| {
        let registered = f.accounts.register_invited(
            login,
            email,
            PASSWORD.into(),
            token,
            Origin::default(),
            |_| None,
        );
        registered.await
    };
    for (login, email, token) in [
        ("eve", "eve@example.com", &token),
        ("grace", "grace@example.com", &wrong),
    ] {
        let refusal = refused(register(login, email, token).await);
        assert_eq!(refusal, OrgRefusal::NoInvitation);
    }
    let Once::Done(grace) = register("grace", "grace@example.com", &token)
        .await
        .unwrap()
    else {
        panic!("nothing to replay");
    };
    assert_eq!(grace.org_id, owner.org_id);
    let caller = f
        .accounts
        .authenticate(grace.tokens.access.token.expose())
        .await
        .unwrap();
    assert_eq!(caller.role, OrgRole::Member);

    let bob = f.caller("bob", OrgRole::Owner).await;
    let token = invited(&f.accounts, &owner, "bob@example.com", OrgRole::Viewer).await;
    let key = f.key(&bob, &["members.manage"]).await.secret;
    let by_key = f.accounts.authenticate(key.expose()).await.unwrap();
    let accept =
        async |caller: &Caller| f.accounts.accept_invitation(caller, &token, |_| None).await;
    assert_eq!(refused(accept(&by_key).await), OrgRefusal::PersonNeeded);
    assert_eq!(refused(accept(&caller).await), OrgRefusal::NoInvitation);
    f.clock.advance(Duration::from_hours(24 * 7));
    assert_eq!(refused(accept(&bob).await), OrgRefusal::NoInvitation);
}

#[tokio::test]
async fn keys_of_service_accounts_stay_within_their_role() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let admin = f.colleague(&owner, "bob", OrgRole::Admin).await;
    let member = f.colleague(&owner, "eve", OrgRole::Member).await;
    let ci = service(&f, &owner, OrgRole::Member).await.unwrap();
    let chief = service(&f, &owner, OrgRole::Owner).await.unwrap();
    let make = async |by: &Caller, user, scopes: &[&str]| {
        let wanted = ApiKeyRequest {
            user_id: Some(user),
            ..request(scopes)
        };
        f.accounts.create_api_key(by, wanted, |_| None).await
    };
    let Once::Done(made) = make(&admin, ci.user_id, &["runs.write"]).await.unwrap() else {
        panic!("nothing to replay");
    };
    let caller = f.accounts.authenticate(made.secret.expose()).await.unwrap();
    assert_eq!((caller.user_id, caller.role), (ci.user_id, OrgRole::Member));
    assert_eq!(f.accounts.me(&caller).await.unwrap().email, None);
    let beyond = make(&admin, ci.user_id, &["members.manage"]).await;
    assert!(
        matches!(beyond, Err(AccountError::Invalid { .. })),
        "{beyond:?}"
    );
    let above = make(&admin, chief.user_id, &["runs.read"]).await;
    assert_eq!(refused(above), OrgRefusal::AboveOwnRole);
    let forbidden = make(&member, ci.user_id, &["runs.read"]).await;
    assert!(
        matches!(forbidden, Err(AccountError::Forbidden(_))),
        "{forbidden:?}"
    );
    let person = make(&owner, member.user_id, &["runs.read"]).await;
    assert_eq!(refused(person), OrgRefusal::NoService);
    make(&member, member.user_id, &["runs.read"]).await.unwrap();
    f.accounts
        .delete_service_account(&admin, ci.user_id)
        .await
        .unwrap();
    assert!(f.accounts.authenticate(made.secret.expose()).await.is_err());
    let refusal = refused(
        f.accounts
            .delete_service_account(&admin, chief.user_id)
            .await,
    );
    assert_eq!(refusal, OrgRefusal::AboveOwnRole);
}

#[tokio::test]
async fn who_does_not_manage_sees_what_the_organisation_says() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let member = f.colleague(&owner, "eve", OrgRole::Member).await;
    let sight = async |caller| f.accounts.run_sight(caller).await.unwrap();
    assert_eq!(sight(&member).await.only_of(), None);
    let own = OrgPatch {
        run_visibility: Some(RunVisibility::Own),
        ..OrgPatch::default()
    };
    let forbidden = f.accounts.update_org(&member, 1, own.clone()).await;
    assert!(
        matches!(forbidden, Err(AccountError::Forbidden(_))),
        "{forbidden:?}"
    );
    let updated = f.accounts.update_org(&owner, 1, own).await.unwrap();
    assert!(matches!(updated, Update::Done(_)), "{updated:?}");
    assert_eq!(sight(&member).await.only_of(), Some(member.user_id));
    assert!(!sight(&member).await.sees(owner.user_id));
    assert!(sight(&owner).await.sees(member.user_id));
}

#[tokio::test]
async fn a_key_makes_no_organisation_and_sees_its_own() {
    let f = Fixture::new();
    let ada = f.caller("ada", OrgRole::Owner).await;
    let create = async |caller: &Caller, name: &str| {
        f.accounts
            .create_org(caller, name.to_owned(), |_| None)
            .await
    };
    let Once::Done(second) = create(&ada, "Second").await.unwrap() else {
        panic!("nothing to replay");
    };
    let blank = create(&ada, " ").await;
    assert!(
        matches!(blank, Err(AccountError::Invalid { .. })),
        "{blank:?}"
    );
    let key = f.key(&ada, &["runs.read"]).await.secret;
    let by_key = f.accounts.authenticate(key.expose()).await.unwrap();
    assert_eq!(
        refused(create(&by_key, "Third").await),
        OrgRefusal::PersonNeeded
    );
    let page = Page {
        limit: 9,
        before: None,
    };
    let ids = async |caller| {
        let orgs = f.accounts.orgs(caller, page).await.unwrap().items;
        orgs.iter()
            .map(|joined| joined.org.org_id)
            .collect::<Vec<_>>()
    };
    let mut all = ids(&ada).await;
    all.sort_by_key(|org| *org == ada.org_id);
    assert_eq!(all, [second.org.org_id, ada.org_id]);
    assert_eq!(ids(&by_key).await, [ada.org_id]);
}
