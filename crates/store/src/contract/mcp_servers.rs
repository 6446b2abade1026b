//! An organisation's MCP servers.

use runloom_domain::{McpServerId, ToolClass};

use super::Harness;
use super::fixtures::{
    LATER, append_ok, done, first_page, found, idempotency, mcp_server, new_mcp_server, next_page,
    now, running_with, someone, stored_key, tenant,
};
use crate::{
    DeleteConfig, MAX_MCP_SERVERS, McpAuth, McpServerRecord, McpServerSettings, NewMcpServer, Once,
    StoreError, ToolRefusal, Update,
};

/// A server comes back as it was made, with each way to show who is calling.
pub async fn a_server_is_made_and_read(h: &mut Harness) {
    let tenant = tenant(h).await;
    let open = McpAuth::None;
    let bearer = McpAuth::Bearer(stored_key(3).secret);
    let client = |scope: Option<&str>| McpAuth::ClientCredentials {
        token_url: "https://id.example.org/token".to_owned(),
        client_id: "we".to_owned(),
        scope: scope.map(str::to_owned),
        secret: stored_key(4).secret,
    };
    let mut made = Vec::new();
    for (n, auth) in [open, bearer, client(None), client(Some("a b"))]
        .into_iter()
        .enumerate()
    {
        let mut new = new_mcp_server(&tenant, &format!("s{n}"));
        new.settings.auth = auth;
        new.settings.trusted = n == 1;
        new.settings.approve_new = n == 2;
        new.settings.enabled = n != 3;
        new.settings.classes.push(("*".to_owned(), ToolClass::Once));
        let created = h
            .store()
            .create_mcp_server(new.clone(), None, someone())
            .await;
        assert_eq!(done(created.unwrap()), Ok(()));
        made.push(McpServerRecord::from(new));
    }
    for _ in 0..2 {
        for server in &made {
            let read = h.store().mcp_server(tenant.org, server.server_id).await;
            assert_eq!(read.unwrap().as_ref(), Some(server));
        }
        let all = h.store().configured_tools(tenant.org).await.unwrap();
        let mut all: Vec<_> = all.servers.into_iter().map(|found| found.server).collect();
        all.sort_by_key(|server| server.created_at);
        assert_eq!(all, made);
        if !h.reopen().await {
            return;
        }
    }
}

/// Lists go newest first, in pages.
pub async fn servers_are_listed(h: &Harness) {
    let tenant = tenant(h).await;
    let mut expected = Vec::new();
    for key in ["a", "b", "c"] {
        expected.insert(0, mcp_server(h, &tenant, key).await);
    }
    let list = |page| {
        let (store, org) = (h.store(), tenant.org);
        async move { store.mcp_servers(org, page).await.unwrap() }
    };
    let ids = |rows: &[McpServerRecord]| rows.iter().map(|r| r.server_id).collect::<Vec<_>>();
    let first = list(first_page(2)).await;
    assert_eq!(ids(&first.items), expected[..2]);
    mcp_server(h, &tenant, "d").await;
    let last = list(next_page(&first, 2)).await;
    assert_eq!(
        (ids(&last.items), last.next),
        (expected[2..].to_vec(), None)
    );
}

/// A change replaces what is there and wants to be of the version it knows; only another URL
/// makes the server's tools unknown.
pub async fn a_server_is_changed(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, new) = (tenant.org, new_mcp_server(&tenant, "a"));
    let id = new.server_id;
    done(
        h.store()
            .create_mcp_server(new.clone(), None, someone())
            .await
            .unwrap(),
    )
    .unwrap();
    let listed_at = now();
    let listed = h
        .store()
        .put_discovery(org, id, 1, vec![found("t", "T")], listed_at, LATER)
        .await;
    assert!(matches!(listed, Ok(Update::Done(_))), "{listed:?}");
    let update = |id, expected, settings: &McpServerSettings| {
        let (store, settings) = (h.store(), settings.clone());
        async move {
            let updated = store.update_mcp_server(org, id, expected, settings, now(), someone());
            updated.await.unwrap()
        }
    };
    let renamed = McpServerSettings {
        name: "other".to_owned(),
        auth: McpAuth::None,
        ..new.settings
    };
    let Update::Done(record) = update(id, 2, &renamed).await else {
        panic!("the version is right");
    };
    assert_eq!((record.version, &record.settings), (3, &renamed));
    assert_eq!(
        (record.key.as_str(), record.listed_at),
        ("a", Some(listed_at))
    );
    assert_eq!(update(id, 2, &renamed).await, Update::Stale);
    assert_eq!(h.store().mcp_server(org, id).await.unwrap(), Some(record));
    let moved = McpServerSettings {
        url: "https://elsewhere.example.org".to_owned(),
        ..renamed
    };
    let Update::Done(record) = update(id, 3, &moved).await else {
        panic!("the version is right");
    };
    assert_eq!(record.listed_at, None);
    let unknown = McpServerId::generate(now());
    assert_eq!(update(unknown, 1, &moved).await, Update::Absent);
}

/// Keys are an organisation's own, and free again when their server has gone.
pub async fn a_key_has_one_server(h: &Harness) {
    let (one, other) = (tenant(h).await, tenant(h).await);
    let first = mcp_server(h, &one, "a").await;
    mcp_server(h, &other, "a").await;
    let again = |new: NewMcpServer| {
        let store = h.store();
        async move { done(store.create_mcp_server(new, None, someone()).await.unwrap()) }
    };
    let twin = again(new_mcp_server(&one, "a")).await;
    assert_eq!(twin, Err(ToolRefusal::Taken));
    let deleted = h
        .store()
        .delete_mcp_server(one.org, first, None, someone())
        .await;
    assert_eq!(deleted.unwrap(), DeleteConfig::Deleted);
    assert_eq!(again(new_mcp_server(&one, "a")).await, Ok(()));
}

/// A server goes with its tools when no run froze it.
pub async fn a_server_in_use_stays(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, id) = (tenant.org, mcp_server(h, &tenant, "a").await);
    h.store()
        .put_discovery(org, id, 1, vec![found("t", "T")], now(), LATER)
        .await
        .unwrap();
    let run = running_with(h, &tenant, id).await;
    let delete = |expected| {
        let store = h.store();
        async move {
            store
                .delete_mcp_server(org, id, expected, someone())
                .await
                .unwrap()
        }
    };
    assert_eq!(delete(Some(1)).await, DeleteConfig::Stale);
    let used = DeleteConfig::InUse { routes: 0, runs: 1 };
    assert_eq!(delete(Some(2)).await, used);
    append_ok(h, run.completion()).await;
    assert_eq!(delete(Some(2)).await, DeleteConfig::Deleted);
    assert_eq!(delete(None).await, DeleteConfig::Absent);
    assert_eq!(h.store().mcp_server(org, id).await.unwrap(), None);
    assert_eq!(h.store().mcp_listing(org, id).await.unwrap(), None);
}

/// A repeat gets the first answer; what was refused leaves no key behind.
pub async fn a_server_is_made_once(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /mcp-servers");
    let make = |key| {
        let new = new_mcp_server(&tenant, key);
        h.store()
            .create_mcp_server(new, Some(once.clone()), someone())
    };
    let taken = mcp_server(h, &tenant, "a").await;
    let refused = make("a").await.unwrap();
    assert_eq!(refused, Once::Done(Err(ToolRefusal::Taken)));
    h.store()
        .delete_mcp_server(tenant.org, taken, None, someone())
        .await
        .unwrap();
    assert_eq!(make("a").await.unwrap(), Once::Done(Ok(())));
    let again = Once::Replayed(once.answer.clone());
    assert_eq!(make("a").await.unwrap(), again);
    let all = h.store().mcp_servers(tenant.org, first_page(9)).await;
    assert_eq!(all.unwrap().items.len(), 1);
}

/// An organisation has no more servers than can be looked through for each run.
pub async fn servers_have_a_limit(h: &Harness) {
    let tenant = tenant(h).await;
    for n in 0..MAX_MCP_SERVERS {
        mcp_server(h, &tenant, &format!("s{n}")).await;
    }
    let surplus = new_mcp_server(&tenant, "one-more");
    let surplus = h
        .store()
        .create_mcp_server(surplus, None, someone())
        .await
        .unwrap();
    assert_eq!(done(surplus), Err(ToolRefusal::TooMany));
}

/// What can't be stored is refused.
pub async fn a_bad_server_is_refused(h: &Harness) {
    let tenant = tenant(h).await;
    let mut bad = new_mcp_server(&tenant, "a");
    bad.settings.name.push('\0');
    let first = new_mcp_server(&tenant, "b");
    done(
        h.store()
            .create_mcp_server(first.clone(), None, someone())
            .await
            .unwrap(),
    )
    .unwrap();
    let repeated = NewMcpServer {
        key: "c".to_owned(),
        ..first
    };
    for refused in [bad, repeated] {
        let refused = h.store().create_mcp_server(refused, None, someone()).await;
        assert!(
            matches!(refused, Err(StoreError::Rejected(_))),
            "{refused:?}"
        );
    }
    let all = h.store().mcp_servers(tenant.org, first_page(9)).await;
    assert_eq!(all.unwrap().items.len(), 1);
}
