//! A store may have a wall between organisations besides the conditions of its statements. It
//! stands alone, too: statements that name one organisation in a transaction of another find
//! and change nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;

use runloom_domain::{ApiKeyId, BudgetId, CredentialId, HttpToolId, McpServerId, OrgId, RouteId};
use runloom_domain::{Timestamp, ToolCallId};

use super::Harness;
use super::fixtures::{
    LATER, Scene, allowance, answer_message, append_ok, at_most, begin, budget, call_of, child_of,
    create, credential, entry, event, first_page, first_version, found, http_tool, idempotency,
    mcp_server, new_api_key, new_budget, new_credential, new_message, new_run, new_thread, now,
    post, route, someone, tenant, top_up, written,
};
use crate::{
    AuditFilter, BudgetPatch, Content, CreditKind, DataKey, HistoryPart, Idempotency, NewRun, Once,
    Paged, Projection, RunFilter, StoreError, ThreadPatch, ToolOutput, UsageGroup, UsageQuery,
};

/// One of everything that an organisation can have.
struct Everything {
    scene: Scene,
    call: ToolCallId,
    once: Idempotency,
    key: ApiKeyId,
    credential: CredentialId,
    route: RouteId,
    server: McpServerId,
    tool: HttpToolId,
    budget: BudgetId,
}

async fn everything(h: &Harness) -> Everything {
    let owner = tenant(h).await;
    let store = h.store();
    top_up(h, &owner, 1_000).await;
    let budget = budget(h, new_budget(&owner, at_most(900))).await;
    let scene = begin(h, &owner, allowance(10, 10)).await;
    let call = ToolCallId::generate(now());
    let projection = Projection {
        outputs: vec![ToolOutput {
            tool_call_id: call,
            content: "theirs".to_owned(),
        }],
        messages: vec![answer_message("theirs")],
        calls: vec![call_of(1, 1)],
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("tool.result")], projection)).await;
    post(h, &owner, scene.thread, "theirs").await;
    let contents = vec![Content {
        hash: "aa".to_owned(),
        body: "theirs".to_owned(),
    }];
    let child = NewRun {
        contents,
        ..child_of(&scene)
    };
    create(h, child).await;
    let once = idempotency(&owner, "POST /threads");
    let made = store.create_thread(new_thread(&owner), Some(once.clone()));
    made.await.unwrap();
    let key = new_api_key(&owner);
    let key_id = key.api_key_id;
    store.create_api_key(key, None, someone()).await.unwrap();
    let credential = credential(h, &owner).await;
    let route = route(h, &owner, credential, None).await;
    written(h, first_version(&owner, "clerk")).await;
    let server = mcp_server(h, &owner, "a").await;
    let listed = store.put_discovery(owner.org, server, 1, vec![found("t", "T")], now(), LATER);
    listed.await.unwrap();
    let tool = http_tool(h, &owner, "a").await;
    let data_key = DataKey {
        org_id: owner.org,
        key_version: 1,
        wrapped: vec![1],
        master_key_id: "m1".to_owned(),
        created_at: now(),
    };
    store.create_data_key(data_key).await.unwrap();
    // Some of the audit log has been sealed, and some not yet.
    store.seal_audit(owner.org, 9).await.unwrap();
    store
        .set_metered(owner.org, Some(true), someone())
        .await
        .unwrap();
    Everything {
        scene,
        call,
        once,
        key: key_id,
        credential,
        route,
        server,
        tool,
        budget,
    }
}

/// What a read has found, as text; `None` for nothing.
type Seen = BTreeMap<&'static str, Option<String>>;

fn one<T: Debug>(read: Result<Option<T>, StoreError>) -> Option<String> {
    read.unwrap().map(|found| format!("{found:?}"))
}

fn many<T: Debug>(read: Result<Vec<T>, StoreError>) -> Option<String> {
    let found = read.unwrap();
    (!found.is_empty()).then(|| format!("{found:?}"))
}

fn page<T: Debug>(read: Result<Paged<T>, StoreError>) -> Option<String> {
    many(read.map(|page| page.items))
}

/// Every read by the ids of `of`.
async fn seen(h: &Harness, of: &Everything) -> Seen {
    let mut seen = of_runs(h, of).await;
    seen.extend(of_settings(h, of).await);
    seen
}

async fn of_runs(h: &Harness, of: &Everything) -> Seen {
    let (store, all) = (h.store(), first_page(9));
    let (org, thread, run) = (of.scene.tenant.org, of.scene.thread, of.scene.run);
    let part = HistoryPart::newest(9, 9);
    let page_of_messages = store.messages(org, thread, all, true).await;
    let asked = UsageQuery {
        group_by: UsageGroup::Day,
        from: Timestamp::from_micros(0),
        to: now(),
    };
    BTreeMap::from([
        ("head", one(store.head(org, run).await)),
        ("run", one(store.run(org, run).await)),
        (
            "runs",
            page(store.runs(org, RunFilter::default(), all).await),
        ),
        ("events", many(store.events(org, run, 0, 9).await)),
        ("log", many(store.log(org, run, 0, 9).await)),
        ("history", many(store.history(org, thread, run, part).await)),
        ("children", many(store.children(org, run).await)),
        (
            "contents",
            many(store.contents(org, vec!["aa".to_owned()]).await),
        ),
        ("output", one(store.tool_output(org, run, of.call).await)),
        ("live run", one(store.live_run(org, thread).await)),
        ("kept answer", one(store.kept_answer(org, &of.once).await)),
        ("thread", one(store.thread(org, thread).await)),
        ("threads", page(store.threads(org, all).await)),
        (
            "messages",
            page_of_messages.unwrap().and_then(|found| page(Ok(found))),
        ),
        ("usage", many(store.usage(org, asked).await)),
    ])
}

async fn of_settings(h: &Harness, of: &Everything) -> Seen {
    let (store, all) = (h.store(), first_page(9));
    let (org, user) = (of.scene.tenant.org, of.scene.tenant.user);
    let configured = store.configured(org).await.unwrap();
    let tools = store.configured_tools(org).await.unwrap();
    let balance = store.balance(org).await.unwrap();
    let audit_log = store.audit_log(org, AuditFilter::default(), all).await;
    let some = |is_there: bool, what: String| is_there.then_some(what);
    let versions = store.persona_versions(org, "clerk", all).await.unwrap();
    BTreeMap::from([
        ("user", one(store.user(org, user).await)),
        ("audit log", page(audit_log)),
        ("audit chain", many(store.audit_chain(org, 0, 9).await)),
        ("unsealed", many(store.unsealed_audit(org, None, 9).await)),
        ("api keys", page(store.api_keys(org, None, all).await)),
        (
            "configured",
            some(!configured.routes.is_empty(), format!("{configured:?}")),
        ),
        (
            "credential",
            one(store.credential(org, of.credential).await),
        ),
        ("credentials", page(store.credentials(org, all).await)),
        ("route", one(store.route(org, of.route).await)),
        ("routes", page(store.routes(org, all).await)),
        (
            "persona",
            one(store.persona(org, Some("clerk"), None).await),
        ),
        ("personas", page(store.personas(org, all).await)),
        ("versions", versions.and_then(|found| page(Ok(found)))),
        (
            "tools",
            some(
                !tools.servers.is_empty() || !tools.http.is_empty(),
                format!("{tools:?}"),
            ),
        ),
        ("server", one(store.mcp_server(org, of.server).await)),
        ("servers", page(store.mcp_servers(org, all).await)),
        ("listing", one(store.mcp_listing(org, of.server).await)),
        ("tool", one(store.http_tool(org, of.tool).await)),
        ("http tools", page(store.http_tools(org, all).await)),
        ("data key", one(store.data_key(org, None).await)),
        ("balance", some(balance.credits > 0, format!("{balance:?}"))),
        ("entries", page(store.credit_entries(org, all).await)),
        ("budget", one(store.budget(org, of.budget, now()).await)),
        ("budgets", page(store.budgets(org, all, now()).await)),
    ])
}

fn found_of(seen: &Seen) -> Vec<&'static str> {
    let found = seen.iter().filter(|(_, what)| what.is_some());
    found.map(|(name, _)| *name).collect()
}

/// Every read, and the writes that people ask for.
pub async fn nothing_comes_over_it(h: &Harness) {
    let theirs = everything(h).await;
    let stranger = tenant(h).await;
    let before = seen(h, &theirs).await;
    let missing: Vec<_> = before.iter().filter(|(_, what)| what.is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} should be there");
    if !h.mistake(Some(stranger.org)) {
        return;
    }
    let found = found_of(&seen(h, &theirs).await);
    assert!(found.is_empty(), "{found:?} came over the wall");
    change(h, &theirs).await;
    add(h, &theirs).await;
    h.mistake(None);
    assert_eq!(seen(h, &theirs).await, before);
    assert!(found_of(&own(h, stranger.org).await).is_empty());
}

/// What is there is changed; whatever the answer, nothing may have come of it.
async fn change(h: &Harness, of: &Everything) {
    let (store, org, thread) = (h.store(), of.scene.tenant.org, of.scene.thread);
    let patch = ThreadPatch {
        title: Some(Some("mine".to_owned())),
        metadata: None,
    };
    let nothing = "nothing of theirs is there";
    let changed = store.update_thread(org, thread, patch).await.unwrap();
    assert_eq!(changed, None, "{nothing}");
    let _ = store.delete_thread(org, thread, now(), someone()).await;
    let _ = store.intend(of.scene.cancel()).await;
    let _ = store.hasten(org, of.scene.run).await;
    let revoked = store
        .revoke_api_key(org, None, of.key, now(), someone())
        .await;
    assert!(!revoked.unwrap(), "{nothing}");
    let _ = store.touch_api_key(org, of.key, now()).await;
    let settings = new_credential(&of.scene.tenant).settings;
    let changed = store.update_credential(org, of.credential, 1, settings, now(), someone());
    let _ = changed.await;
    let _ = store.delete_route(org, of.route, None, someone()).await;
    let _ = store
        .delete_credential(org, of.credential, None, someone())
        .await;
    let _ = store
        .delete_persona(org, "clerk", None, now(), someone())
        .await;
    let _ = store
        .delete_mcp_server(org, of.server, None, someone())
        .await;
    let _ = store.delete_http_tool(org, of.tool, None, someone()).await;
    let approved = store.approve_tools(org, of.server, None, None, now(), someone());
    let _ = approved.await;
    let patch = BudgetPatch {
        max_cost: Some(None),
        max_tokens: Some(None),
    };
    assert!(
        !store
            .update_budget(org, of.budget, patch, someone())
            .await
            .unwrap(),
        "{nothing}"
    );
    assert!(
        !store
            .delete_budget(org, of.budget, someone())
            .await
            .unwrap(),
        "{nothing}"
    );
    assert!(
        !store.set_metered(org, Some(true), someone()).await.unwrap(),
        "{nothing}"
    );
    assert!(
        !store
            .set_event_retention(org, Some(1), someone())
            .await
            .unwrap(),
        "{nothing}"
    );
}

/// What isn't there is made; most of it is refused with an error.
async fn add(h: &Harness, of: &Everything) {
    let (store, tenant) = (h.store(), &of.scene.tenant);
    let thread = store.create_thread(new_thread(tenant), None).await;
    assert!(thread.is_err(), "{thread:?}");
    let key = store
        .create_api_key(new_api_key(tenant), None, someone())
        .await;
    assert!(key.is_err(), "{key:?}");
    let credential = store
        .create_credential(new_credential(tenant), None, someone())
        .await;
    assert!(credential.is_err(), "{credential:?}");
    let message = new_message(tenant, of.scene.thread, "mine");
    let posted = store.post_message(message, None).await.unwrap();
    assert_eq!(posted, Once::Done(None));
    let run = store.create_run(new_run(tenant, of.scene.thread)).await;
    assert_eq!(format!("{run:?}"), "Ok(Done(NoThread))");
    let entry = entry(CreditKind::TopUp, 5);
    let _ = store.add_credits(tenant.org, entry, None, someone()).await;
}

/// What an organisation lists.
async fn own(h: &Harness, org: OrgId) -> Seen {
    let (store, all) = (h.store(), first_page(9));
    BTreeMap::from([
        ("threads", page(store.threads(org, all).await)),
        (
            "runs",
            page(store.runs(org, RunFilter::default(), all).await),
        ),
        ("credentials", page(store.credentials(org, all).await)),
        ("budgets", page(store.budgets(org, all, now()).await)),
        ("servers", page(store.mcp_servers(org, all).await)),
        ("entries", page(store.credit_entries(org, all).await)),
    ])
}
