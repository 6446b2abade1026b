//! Nothing of an organisation is there for another, by any id.

use runloom_domain::{RunStatus, ToolCallId};

use super::Harness;
use super::fixtures::{
    LATER, Scene, Tenant, allowance, append, append_ok, at_most, begin, budget, create, credential,
    credits_of, done, event, first_page, first_version, found, further_version, http_tool,
    idempotency, limited, mcp_server, new_api_key, new_budget, new_credential, new_http_tool,
    new_mcp_server, new_message, new_route, new_run, new_thread, now, post, route, running,
    someone, tenant, top_up, try_create, written,
};
use crate::{
    Appended, BudgetPatch, Change, Content, CreateRun, DeleteConfig, DeletePersona, DeleteThread,
    HistoryPart, Intended, NewPersona, NewRun, Once, Projection, Remaining, RouteRefusal,
    RouteSettings, RunFilter, ThreadPatch, ToolOutput, Update, WritePersona,
};

/// A run with everything that can be read of it, and a stranger.
async fn stage(h: &Harness) -> (Scene, ToolCallId, Tenant) {
    let scene = running(h).await;
    let tool_call_id = ToolCallId::generate(now());
    let projection = Projection {
        outputs: vec![ToolOutput {
            tool_call_id,
            content: "secret".to_owned(),
        }],
        messages: vec![super::fixtures::answer_message("secret")],
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("tool.result")], projection)).await;
    post(h, &scene.tenant, scene.thread, "secret").await;
    (scene, tool_call_id, tenant(h).await)
}

/// Every read of a run.
pub async fn runs_cannot_be_read(h: &Harness) {
    let (scene, call, stranger) = stage(h).await;
    let (store, org, run) = (h.store(), stranger.org, scene.run);
    assert_eq!(store.head(org, run).await.unwrap(), None);
    assert_eq!(store.run(org, run).await.unwrap(), None);
    assert!(store.events(org, run, 0, 9).await.unwrap().is_empty());
    assert!(store.log(org, run, 0, 9).await.unwrap().is_empty());
    assert_eq!(store.tool_output(org, run, call).await.unwrap(), None);
    assert!(
        store
            .history(org, scene.thread, run, HistoryPart::newest(9, 9))
            .await
            .unwrap()
            .is_empty()
    );
    let filter = RunFilter {
        thread_id: Some(scene.thread),
        parent_run_id: None,
        created_by: Some(scene.tenant.user),
        statuses: vec![],
    };
    assert!(
        store
            .runs(org, filter, first_page(9))
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

/// Every write to a run.
pub async fn runs_cannot_be_written(h: &Harness) {
    let (scene, _, stranger) = stage(h).await;
    let org_id = stranger.org;
    let before = scene.head(h).await;
    let change = Change {
        org_id,
        ..scene.deltas(1)
    };
    assert_eq!(append(h, change).await, Appended::Stale);
    for status in RunStatus::ALL {
        let mut intent = scene.cancel();
        intent.org_id = org_id;
        intent.expect_status = status;
        assert_eq!(h.store().intend(intent).await.unwrap(), Intended::Conflict);
    }
    let new = new_run(&stranger, scene.thread);
    assert_eq!(try_create(h, new).await, CreateRun::NoThread);
    assert_eq!(scene.head(h).await, before);
}

/// Every read and write of a thread.
pub async fn threads_are_absent(h: &Harness) {
    let (scene, _, stranger) = stage(h).await;
    let (store, org, id) = (h.store(), stranger.org, scene.thread);
    let before = store.thread(scene.tenant.org, id).await.unwrap();
    assert_eq!(store.thread(org, id).await.unwrap(), None);
    assert!(
        store
            .threads(org, first_page(9))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let patch = ThreadPatch {
        title: Some(Some("mine".to_owned())),
        metadata: None,
    };
    assert_eq!(store.update_thread(org, id, patch).await.unwrap(), None);
    assert_eq!(
        store
            .delete_thread(org, id, now(), someone())
            .await
            .unwrap(),
        DeleteThread::NoThread
    );
    assert!(
        store
            .messages(org, id, first_page(9), true)
            .await
            .unwrap()
            .is_none()
    );
    let posted = store
        .post_message(new_message(&stranger, id, "x"), None)
        .await
        .unwrap();
    assert_eq!(posted, Once::Done(None));
    assert_eq!(store.thread(scene.tenant.org, id).await.unwrap(), before);
}

/// API keys, but for finding one by its public id, which is how its organisation is learnt.
pub async fn api_keys_are_absent(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    let new = new_api_key(&owner);
    let (id, public_id) = (new.api_key_id, new.public_id.clone());
    done(
        h.store()
            .create_api_key(new, None, someone())
            .await
            .unwrap(),
    );
    let store = h.store();
    assert!(
        !store
            .revoke_api_key(stranger.org, None, id, now(), someone())
            .await
            .unwrap()
    );
    assert!(
        !store
            .revoke_api_key(stranger.org, Some(owner.user), id, now(), someone())
            .await
            .unwrap()
    );
    store.touch_api_key(stranger.org, id, now()).await.unwrap();
    let found = store.find_api_key(&public_id).await.unwrap().unwrap();
    assert_eq!((found.owner.org_id, found.last_used_at), (owner.org, None));
    let foreign = store
        .api_keys(stranger.org, Some(owner.user), first_page(9))
        .await
        .unwrap();
    assert!(foreign.items.is_empty());
}

/// The same hash and the same idempotency key are each organisation's own.
pub async fn contents_and_keys_are_apart(h: &Harness) {
    let tenants = [tenant(h).await, tenant(h).await];
    for (n, tenant) in tenants.iter().enumerate() {
        let thread = super::fixtures::thread(h, tenant).await;
        let contents = vec![Content {
            hash: "aa".to_owned(),
            body: n.to_string(),
        }];
        create(
            h,
            NewRun {
                contents,
                ..new_run(tenant, thread)
            },
        )
        .await;
    }
    for (n, tenant) in tenants.iter().enumerate() {
        let found = h
            .store()
            .contents(tenant.org, vec!["aa".to_owned()])
            .await
            .unwrap();
        assert_eq!(found[0].body, n.to_string());
    }
    let first = idempotency(&tenants[0], "POST /threads");
    let mut second = idempotency(&tenants[1], "POST /threads");
    second.key.clone_from(&first.key);
    for (tenant, once) in tenants.iter().zip([first, second]) {
        done(
            h.store()
                .create_thread(new_thread(tenant), Some(once))
                .await
                .unwrap(),
        );
    }
}

/// Every read and write of a credential and a route, and the references between them.
pub async fn credentials_and_routes_are_absent(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    let (store, org) = (h.store(), stranger.org);
    let theirs = credential(h, &owner).await;
    let their_route = route(h, &owner, theirs, None).await;
    let before = store.credential(owner.org, theirs).await.unwrap();
    assert_eq!(store.credential(org, theirs).await.unwrap(), None);
    assert_eq!(store.route(org, their_route).await.unwrap(), None);
    let page = store.credentials(org, first_page(9)).await.unwrap();
    assert!(page.items.is_empty());
    let page = store.routes(org, first_page(9)).await.unwrap();
    assert!(page.items.is_empty());
    assert!(store.configured(org).await.unwrap().routes.is_empty());
    let settings = new_credential(&stranger).settings;
    let changed = store
        .update_credential(org, theirs, 1, settings, now(), someone())
        .await;
    assert_eq!(changed.unwrap(), Update::Absent);
    let deleted = store
        .delete_credential(org, theirs, None, someone())
        .await
        .unwrap();
    assert_eq!(deleted, DeleteConfig::Absent);

    let lost = store
        .create_route(new_route(&stranger, theirs), None, someone())
        .await;
    assert_eq!(done(lost.unwrap()), Err(RouteRefusal::NoCredential));
    let own = credential(h, &stranger).await;
    let mut astray = new_route(&stranger, own);
    astray.settings.fallback = Some(their_route.to_string());
    let astray = store.create_route(astray, None, someone()).await.unwrap();
    assert_eq!(done(astray), Err(RouteRefusal::NoFallback));
    let settings = RouteSettings::new(own, "mine");
    let changed = store
        .update_route(org, their_route, 1, settings, now(), someone())
        .await;
    assert_eq!(changed.unwrap(), Update::Absent);
    let deleted = store
        .delete_route(org, their_route, None, someone())
        .await
        .unwrap();
    assert_eq!(deleted, DeleteConfig::Absent);
    assert_eq!(store.credential(owner.org, theirs).await.unwrap(), before);
    assert!(store.route(owner.org, their_route).await.unwrap().is_some());
}

/// Every read and write of servers and tools; keys and names are each organisation's own.
pub async fn tools_are_absent(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    let (store, org) = (h.store(), stranger.org);
    let server = mcp_server(h, &owner, "a").await;
    let listed = store.put_discovery(owner.org, server, 1, vec![found("t", "T")], now(), LATER);
    listed.await.unwrap();
    let tool = http_tool(h, &owner, "a").await;
    let before = store.configured_tools(owner.org).await.unwrap();
    assert_eq!(store.mcp_server(org, server).await.unwrap(), None);
    assert_eq!(store.mcp_listing(org, server).await.unwrap(), None);
    assert_eq!(store.http_tool(org, tool).await.unwrap(), None);
    let page = store.mcp_servers(org, first_page(9)).await.unwrap();
    assert!(page.items.is_empty());
    let page = store.http_tools(org, first_page(9)).await.unwrap();
    assert!(page.items.is_empty());
    let own = store.configured_tools(org).await.unwrap();
    assert!(own.servers.is_empty() && own.http.is_empty());

    let settings = new_mcp_server(&stranger, "a").settings;
    let changed = store
        .update_mcp_server(org, server, 2, settings, now(), someone())
        .await;
    assert_eq!(changed.unwrap(), Update::Absent);
    let listed = store
        .put_discovery(org, server, 2, vec![], now(), LATER)
        .await;
    assert_eq!(listed.unwrap(), Update::Absent);
    let approved = store
        .approve_tools(org, server, None, None, now(), someone())
        .await;
    assert_eq!(approved.unwrap(), Update::Absent);
    let deleted = store
        .delete_mcp_server(org, server, None, someone())
        .await
        .unwrap();
    assert_eq!(deleted, DeleteConfig::Absent);
    let settings = new_http_tool(&stranger, "a").settings;
    let changed = store
        .update_http_tool(org, tool, 1, settings, now(), someone())
        .await;
    assert_eq!(changed.unwrap(), Update::Absent);
    let deleted = store
        .delete_http_tool(org, tool, None, someone())
        .await
        .unwrap();
    assert_eq!(deleted, DeleteConfig::Absent);
    http_tool(h, &stranger, "a").await;
    assert_eq!(store.configured_tools(owner.org).await.unwrap(), before);
}

/// Every read and write of a persona; the same key is each organisation's own.
pub async fn personas_are_absent(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    let (store, org) = (h.store(), stranger.org);
    let new = NewPersona {
        is_default: Some(true),
        ..first_version(&owner, "clerk")
    };
    let theirs = written(h, new).await;
    for key in [Some("clerk"), None] {
        assert_eq!(store.persona(org, key, None).await.unwrap(), None);
    }
    let page = store.personas(org, first_page(9)).await.unwrap();
    assert!(page.items.is_empty());
    let versions = store.persona_versions(org, "clerk", first_page(9)).await;
    assert!(versions.unwrap().is_none());
    let lost = store
        .write_persona(further_version(&stranger, "clerk"), someone())
        .await;
    assert_eq!(done(lost.unwrap()), WritePersona::Absent);
    let deleted = store
        .delete_persona(org, "clerk", None, now(), someone())
        .await
        .unwrap();
    assert_eq!(deleted, DeletePersona::Absent);

    let new = NewPersona {
        is_default: Some(true),
        ..first_version(&stranger, "clerk")
    };
    let own = written(h, new).await;
    for (of, expected) in [(&owner, &theirs), (&stranger, &own)] {
        let found = store.persona(of.org, None, None).await.unwrap();
        assert_eq!(found.as_ref(), Some(expected));
    }
    store
        .delete_persona(org, "clerk", None, now(), someone())
        .await
        .unwrap();
    let found = store.persona(owner.org, Some("clerk"), None).await.unwrap();
    assert_eq!(found, Some(theirs));
}

/// Credits and budgets, by any id.
pub async fn money_is_apart(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    top_up(h, &owner, 100).await;
    let budget = budget(h, new_budget(&owner, at_most(9))).await;
    let scene = begin(h, &owner, allowance(10, 10)).await;
    let (store, org) = (h.store(), stranger.org);
    assert_eq!(credits_of(h, &stranger).await, (0, 0));
    let entries = store.credit_entries(org, first_page(9)).await.unwrap();
    assert!(entries.items.is_empty());
    assert_eq!(store.budget(org, budget, now()).await.unwrap(), None);
    let budgets = store.budgets(org, first_page(9), now()).await.unwrap();
    assert!(budgets.items.is_empty());
    let patch = BudgetPatch {
        max_cost: Some(None),
        max_tokens: Some(None),
    };
    assert!(
        !store
            .update_budget(org, budget, patch, someone())
            .await
            .unwrap()
    );
    assert!(!store.delete_budget(org, budget, someone()).await.unwrap());
    let remaining = store.remaining(org, scene.run).await.unwrap();
    assert_eq!(remaining, Remaining::default());
    assert!(store.set_metered(org, Some(true), someone()).await.unwrap());
    assert_eq!(store.balance(owner.org).await.unwrap().metered, None);
    // The credits and the budget of another organisation are none of a run's.
    let new = limited(h, &stranger, allowance(1, 1)).await;
    assert_eq!(try_create(h, new).await, CreateRun::NoCredit);
    top_up(h, &stranger, 20).await;
    create(h, limited(h, &stranger, allowance(20, 20)).await).await;
    assert_eq!(credits_of(h, &owner).await, (100, 10));
}
