//! The audit log: what is recorded, what isn't, and who sees it.

use std::collections::BTreeSet;
use std::time::Duration;

use runloom_domain::{ApiKeyId, OrgId, OrgRole, SessionId, TraceId, UserId};

use super::Harness;
use super::fixtures::{
    LATER, Tenant, at_most, budget, colleague, credential, done, entry, first_page, first_version,
    found, http_tool, idempotency, mcp_server, new_account, new_api_key, new_budget,
    new_credential, new_http_tool, new_invitation, new_mcp_server, new_route, new_service,
    next_page, now, route, someone, tenant, thread, written,
};
use crate::{
    Action, Actor, AuditFilter, Audited, BeginSession, BudgetPatch, By, ChangeMember,
    ChangePassword, CreditKind, DeleteConfig, Join, MemberPatch, NewOrg, NewReset, NewSession,
    Once, OrgPatch, Origin, PresentedInvitation, Quota, RefreshSession, Rename, SessionEnd, SignIn,
    Update,
};

const DAY: Duration = Duration::from_hours(24);

async fn log(h: &Harness, org: OrgId) -> Vec<Audited> {
    let page = first_page(200);
    let found = h.store().audit_log(org, AuditFilter::default(), page).await;
    found.unwrap().items
}

/// The names of what was done, the first first.
async fn actions(h: &Harness, org: OrgId) -> Vec<String> {
    let log = log(h, org).await.into_iter().rev();
    log.map(|it| it.record.action).collect()
}

fn session_of(user: UserId) -> SignIn {
    SignIn {
        user_id: user,
        org_id: None,
        signed_out_at: None,
        session: NewSession {
            session_id: SessionId::generate(now()),
            token_hash: [1; 32],
            created_at: now(),
            expires_at: now() + DAY,
        },
    }
}

fn refresh_of(session: SessionId, presented: u8, org_id: Option<OrgId>) -> RefreshSession {
    RefreshSession {
        session_id: session,
        presented: [presented; 32],
        successor: [presented + 1; 32],
        org_id,
        at: now(),
        expires_at: now() + DAY,
        repeatable_for: Duration::ZERO,
    }
}

fn reset_of(owner: &Tenant) -> NewReset {
    NewReset {
        user_id: owner.user,
        org_id: Some(owner.org),
        token_hash: rand(owner.user),
        created_at: now(),
        expires_at: now() + DAY,
    }
}

/// A hash that no other person's token has.
fn rand(user: UserId) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(user.as_uuid().as_bytes());
    hash
}

/// What a person does to their account.
async fn use_account(h: &Harness, owner: &Tenant) {
    let store = h.store();
    let sign_in = session_of(owner.user);
    let session = sign_in.session.session_id;
    let begun = store.begin_session(sign_in, someone()).await.unwrap();
    assert_eq!(begun, BeginSession::Begun(owner.org));
    let (user, why) = (owner.user, SessionEnd::SignedOut);
    let ended = store.end_session(user, session, why, now(), someone());
    assert!(ended.await.unwrap());
    let known = store.login_of(user).await.unwrap().unwrap();
    let rename = Rename {
        user_id: user,
        password_hash: known.password_hash.clone(),
        login: Some(format!("{}-2", owner.login)),
        email: None,
    };
    store.rename_user(rename, someone()).await.unwrap();
    let change = ChangePassword {
        user_id: user,
        old_hash: known.password_hash,
        new_hash: "hash".to_owned(),
        keep: None,
        at: now(),
    };
    assert!(store.change_password(change, someone()).await.unwrap());
    store
        .end_all_sessions(user, now(), someone())
        .await
        .unwrap();
    let reset = reset_of(owner);
    let token = reset.token_hash;
    store.create_reset(reset, None, someone()).await.unwrap();
    let used = store.use_reset(token, "other".to_owned(), now(), someone());
    assert_eq!(used.await.unwrap(), Some(user));
}

/// What is done to an organisation and who belongs to it.
async fn manage_members(h: &Harness, owner: &Tenant) {
    let (store, org) = (h.store(), owner.org);
    let key = new_api_key(owner);
    let id = key.api_key_id;
    store.create_api_key(key, None, someone()).await.unwrap();
    let revoked = store.revoke_api_key(org, None, id, now(), someone());
    assert!(revoked.await.unwrap());
    let patch = OrgPatch {
        name: Some("New".to_owned()),
        run_visibility: None,
    };
    store.update_org(org, 1, patch, someone()).await.unwrap();
    let days = store.set_event_retention(org, Some(9), someone()).await;
    assert!(days.unwrap());
    let quota = Quota::default();
    assert!(store.set_quota(org, quota, someone()).await.unwrap());
    assert!(store.set_metered(org, Some(true), someone()).await.unwrap());
    let service = new_service(owner, OrgRole::Member);
    let user = service.user_id;
    store
        .create_service(service, None, someone())
        .await
        .unwrap();
    let patch = MemberPatch {
        role: Some(OrgRole::Viewer),
        name: None,
    };
    let changed = store.change_member(org, user, patch, OrgRole::Owner, someone());
    assert!(matches!(changed.await.unwrap(), ChangeMember::Done(_)));
    let removed = store.remove_member(org, user, OrgRole::Owner, someone());
    assert_eq!(removed.await.unwrap(), ChangeMember::Done(()));
    let guest = tenant(h).await;
    for _ in 0..2 {
        let (new, hash) = new_invitation(owner, &guest.email, OrgRole::Viewer);
        let id = new.invitation_id;
        store.invite(new, hash, None, someone()).await.unwrap();
        let withdrawn = store.withdraw_invitation(org, id, someone());
        assert!(withdrawn.await.unwrap());
        let (new, hash) = new_invitation(owner, &guest.email, OrgRole::Viewer);
        store.invite(new, hash, None, someone()).await.unwrap();
        let presented = PresentedInvitation {
            org_id: org,
            token_hash: hash,
            at: now(),
        };
        let joined = store.accept_invitation(presented, guest.user, None, someone());
        assert_eq!(done(joined.await.unwrap()), Join::Joined);
        let left = store.remove_member(org, guest.user, OrgRole::Owner, someone());
        left.await.unwrap();
    }
}

/// What is done to an organisation's configuration.
async fn configure(h: &Harness, owner: &Tenant) {
    let (store, org) = (h.store(), owner.org);
    let key = credential(h, owner).await;
    let settings = new_credential(owner).settings;
    let changed = store.update_credential(org, key, 1, settings, now(), someone());
    assert!(matches!(changed.await.unwrap(), Update::Done(_)));
    let way = route(h, owner, key, None).await;
    let settings = new_route(owner, key).settings;
    let changed = store.update_route(org, way, 1, settings, now(), someone());
    assert!(matches!(changed.await.unwrap(), Update::Done(Ok(_))));
    let gone = store.delete_route(org, way, None, someone()).await.unwrap();
    assert_eq!(gone, DeleteConfig::Deleted);
    let gone = store.delete_credential(org, key, None, someone()).await;
    assert_eq!(gone.unwrap(), DeleteConfig::Deleted);
    written(h, first_version(owner, "clerk")).await;
    let gone = store.delete_persona(org, "clerk", None, now(), someone());
    gone.await.unwrap();
    let server = mcp_server(h, owner, "a").await;
    let settings = new_mcp_server(owner, "a").settings;
    let changed = store.update_mcp_server(org, server, 1, settings, now(), someone());
    assert!(matches!(changed.await.unwrap(), Update::Done(_)));
    let listed = store.put_discovery(org, server, 2, vec![found("t", "T")], now(), LATER);
    listed.await.unwrap();
    let approved = store.approve_tools(org, server, None, None, now(), someone());
    assert!(matches!(approved.await.unwrap(), Update::Done(Ok(_))));
    let gone = store.delete_mcp_server(org, server, None, someone()).await;
    assert_eq!(gone.unwrap(), DeleteConfig::Deleted);
    let tool = http_tool(h, owner, "a").await;
    let settings = new_http_tool(owner, "a").settings;
    let changed = store.update_http_tool(org, tool, 1, settings, now(), someone());
    assert!(matches!(changed.await.unwrap(), Update::Done(Ok(_))));
    let gone = store.delete_http_tool(org, tool, None, someone()).await;
    assert_eq!(gone.unwrap(), DeleteConfig::Deleted);
}

async fn spend(h: &Harness, owner: &Tenant) {
    let (store, org) = (h.store(), owner.org);
    let limit = budget(h, new_budget(owner, at_most(9))).await;
    let patch = BudgetPatch {
        max_tokens: Some(Some(1)),
        max_cost: None,
    };
    let changed = store.update_budget(org, limit, patch, someone()).await;
    assert!(changed.unwrap());
    assert!(store.delete_budget(org, limit, someone()).await.unwrap());
    let credits = entry(CreditKind::TopUp, 5);
    store
        .add_credits(org, credits, None, someone())
        .await
        .unwrap();
    let thread = thread(h, owner).await;
    let deleted = store.delete_thread(org, thread, now(), someone());
    deleted.await.unwrap();
}

/// Every action is recorded, once each time, in its organisation alone and with who did it.
pub async fn every_change_leaves_a_record(h: &Harness) {
    let owner = tenant(h).await;
    use_account(h, &owner).await;
    manage_members(h, &owner).await;
    configure(h, &owner).await;
    spend(h, &owner).await;
    let expected = [
        "account.registered",
        "session.begun",
        "session.ended",
        "account.renamed",
        "password.changed",
        "sessions.ended",
        "password.reset_issued",
        "password.reset",
        "api_key.created",
        "api_key.revoked",
        "organisation.changed",
        "organisation.retention_changed",
        "organisation.quota_changed",
        "organisation.metering_changed",
        "service_account.created",
        "member.changed",
        "member.removed",
        "invitation.created",
        "invitation.withdrawn",
        "invitation.created",
        "member.joined",
        "member.removed",
        "invitation.created",
        "invitation.withdrawn",
        "invitation.created",
        "member.joined",
        "member.removed",
        "credential.created",
        "credential.changed",
        "route.created",
        "route.changed",
        "route.deleted",
        "credential.deleted",
        "persona.written",
        "persona.deleted",
        "mcp_server.created",
        "mcp_server.changed",
        "mcp_server.tools_approved",
        "mcp_server.deleted",
        "http_tool.created",
        "http_tool.changed",
        "http_tool.deleted",
        "budget.created",
        "budget.changed",
        "budget.deleted",
        "credits.added",
        "thread.deleted",
    ];
    assert_eq!(actions(h, owner.org).await, expected);
    let elsewhere = ["organisation.created", "session.moved", "session.reused"];
    let known = expected.into_iter().chain(elsewhere);
    let known: BTreeSet<&str> = known.collect();
    let all = Action::ALL.iter().map(|action| action.as_str());
    assert_eq!(known, all.collect(), "each action has a case");
}

/// A record says who did what from where, also where a person acts in several organisations: what
/// is done to their account is told in each.
pub async fn a_record_says_who_and_where(h: &Harness) {
    let owner = tenant(h).await;
    let second = NewOrg {
        org_id: OrgId::generate(now()),
        name: "Second".to_owned(),
        owner: owner.user,
        created_at: now(),
    };
    let (actor, trace) = (
        Actor::ApiKey(ApiKeyId::generate(now()), owner.user),
        TraceId::generate(),
    );
    let origin = Origin {
        address: Some("2001:db8::1".parse().unwrap()),
        trace_id: Some(trace),
    };
    let by = By::new(actor, origin, now());
    let other = second.org_id;
    h.store().create_org(second, None, by).await.unwrap();
    let made = &log(h, other).await[0].record;
    assert_eq!((made.record_id, made.at), (by.record_id, by.at));
    assert_eq!((made.actor, made.address), (actor, origin.address));
    assert_eq!(made.trace_id, Some(trace));
    assert_eq!(
        (&*made.action, &*made.subject_kind),
        ("organisation.created", "organisation")
    );
    assert_eq!(made.subject_id, other.to_string());
    assert_eq!(made.details, r#"{"name":"Second"}"#);

    let sign_in = session_of(owner.user);
    let session = sign_in.session.session_id;
    h.store().begin_session(sign_in, someone()).await.unwrap();
    for (presented, org) in [(1, Some(other)), (2, None), (1, None)] {
        let refresh = refresh_of(session, presented, org);
        h.store().refresh_session(refresh, someone()).await.unwrap();
    }
    let ended = h.store().end_all_sessions(owner.user, now(), someone());
    ended.await.unwrap();
    let here = ["account.registered", "session.begun", "sessions.ended"];
    assert_eq!(actions(h, owner.org).await, here);
    let there = [
        "organisation.created",
        "session.moved",
        "session.reused",
        "sessions.ended",
    ];
    assert_eq!(actions(h, other).await, there);
    let one = log(h, owner.org).await[0].record.record_id;
    assert_eq!(log(h, other).await[0].record.record_id, one);
}

/// What is refused, comes too late, is repeated or changes nothing leaves no record.
pub async fn what_changes_nothing_leaves_none(h: &Harness) {
    let owner = tenant(h).await;
    let friend = colleague(h, &owner, OrgRole::Admin).await;
    let (store, org) = (h.store(), owner.org);
    let once = idempotency(&owner, "POST /api-keys");
    let key = new_api_key(&owner);
    let made = store.create_api_key(key, Some(once.clone()), someone());
    assert_eq!(made.await.unwrap(), Once::Done(()));
    let limit = budget(h, new_budget(&owner, at_most(9))).await;
    let before = log(h, org).await;

    let repeated = store.create_api_key(new_api_key(&owner), Some(once), someone());
    assert!(matches!(repeated.await.unwrap(), Once::Replayed(_)));
    let mut taken = new_account();
    (taken.org_id, taken.login) = (org, owner.login.clone());
    store.create_account(taken, None, someone()).await.unwrap();
    let patch = OrgPatch::default();
    let stale = store.update_org(org, 7, patch, someone()).await.unwrap();
    assert_eq!(stale, Update::Stale);
    let last = store.remove_member(org, owner.user, OrgRole::Owner, someone());
    assert_eq!(last.await.unwrap(), ChangeMember::LastOwner);
    let (new, hash) = new_invitation(&owner, &friend.email, OrgRole::Viewer);
    let invited = store.invite(new, hash, None, someone()).await.unwrap();
    assert_eq!(invited, Once::Done(false));
    let wrong = ChangePassword {
        user_id: owner.user,
        old_hash: "another".to_owned(),
        new_hash: "hash".to_owned(),
        keep: None,
        at: now(),
    };
    assert!(!store.change_password(wrong, someone()).await.unwrap());
    let mut outdated = session_of(owner.user);
    outdated.signed_out_at = Some(now());
    let begun = store.begin_session(outdated, someone()).await.unwrap();
    assert_eq!(begun, BeginSession::Outdated);
    let used = store.use_reset([9; 32], "hash".to_owned(), now(), someone());
    assert_eq!(used.await.unwrap(), None);
    let same = BudgetPatch::default();
    assert!(
        store
            .update_budget(org, limit, same, someone())
            .await
            .unwrap()
    );
    let twice = store.create_budget(new_budget(&owner, at_most(8)), None, someone());
    twice.await.unwrap();
    let stranger = tenant(h).await;
    assert!(
        !store
            .delete_budget(stranger.org, limit, someone())
            .await
            .unwrap()
    );
    let nobody = ApiKeyId::generate(now());
    let revoked = store.revoke_api_key(org, None, nobody, now(), someone());
    assert!(!revoked.await.unwrap());
    let refused = store.create_api_key(new_api_key(&stranger_of(&owner)), None, someone());
    assert!(refused.await.is_err());
    assert_eq!(log(h, org).await, before);
    assert_eq!(actions(h, stranger.org).await, ["account.registered"]);
}

/// Somebody who isn't in the organisation.
fn stranger_of(owner: &Tenant) -> Tenant {
    Tenant {
        user: UserId::generate(now()),
        ..owner.clone()
    }
}

/// Records are listed newest first, and by each filter; another organisation has its own.
pub async fn records_are_listed_and_filtered(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    let (store, org) = (h.store(), owner.org);
    let (key, other) = (new_api_key(&owner), new_api_key(&owner));
    let (id, second) = (key.api_key_id, other.api_key_id);
    let by = By::new(Actor::User(owner.user), Origin::default(), now());
    store.create_api_key(key, None, by).await.unwrap();
    let by_key = By::new(Actor::ApiKey(id, owner.user), Origin::default(), now());
    store.create_api_key(other, None, by_key).await.unwrap();
    let last = By::operator(now());
    store
        .revoke_api_key(org, None, id, now(), last)
        .await
        .unwrap();

    let first = store
        .audit_log(org, AuditFilter::default(), first_page(3))
        .await
        .unwrap();
    let ids: Vec<_> = first.items.iter().map(|it| it.record.record_id).collect();
    assert_eq!(ids, [last.record_id, by_key.record_id, by.record_id]);
    let rest = store
        .audit_log(org, AuditFilter::default(), next_page(&first, 3))
        .await;
    assert_eq!(rest.unwrap().items.len(), 1);

    let found = async |filter: AuditFilter| {
        let page = store.audit_log(org, filter, first_page(9)).await.unwrap();
        let ids = page.items.into_iter().map(|it| it.record.record_id);
        ids.collect::<Vec<_>>()
    };
    let filter = AuditFilter::default;
    let action = Some("api_key.created".to_owned());
    assert_eq!(
        found(AuditFilter { action, ..filter() }).await,
        [by_key.record_id, by.record_id]
    );
    let actor = Some(owner.user);
    assert_eq!(
        found(AuditFilter { actor, ..filter() }).await,
        [by_key.record_id, by.record_id]
    );
    let subject = Some(second.to_string());
    assert_eq!(
        found(AuditFilter {
            subject,
            ..filter()
        })
        .await,
        [by_key.record_id]
    );
    let (from, to) = (Some(by.at), Some(last.at));
    assert_eq!(
        found(AuditFilter {
            from,
            to,
            ..filter()
        })
        .await,
        [by_key.record_id, by.record_id]
    );
    let action = Some("none".to_owned());
    assert!(found(AuditFilter { action, ..filter() }).await.is_empty());
    assert_eq!(actions(h, stranger.org).await, ["account.registered"]);
}
