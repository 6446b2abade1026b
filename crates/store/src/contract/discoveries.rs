//! When MCP servers are asked for their tools, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{McpServerId, OrgId};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{LATER, found, mcp_server, new_mcp_server, now, someone, tenant};
use crate::{Discovery, DiscoveryError, McpListing, McpServerRecord, Update, WantedDiscovery};

/// Which of the organisation's servers are to be asked now.
async fn claimed(h: &Harness, org: OrgId) -> Vec<McpServerId> {
    let claimed = h.store().claim_discoveries(1_000, LATER).await.unwrap();
    let own = claimed.into_iter().filter(|(of, _)| *of == org);
    own.map(|(_, server)| server).collect()
}

async fn read(h: &Harness, org: OrgId, server: McpServerId) -> McpServerRecord {
    h.store().mcp_server(org, server).await.unwrap().unwrap()
}

/// The server lists this tool now.
async fn lists(
    h: &Harness,
    (org, server): (OrgId, McpServerId),
    text: &str,
    next: Duration,
) -> McpListing {
    let version = read(h, org, server).await.version;
    let tools = vec![found("t", text)];
    let listed = h
        .store()
        .put_discovery(org, server, version, tools, now(), next);
    let Update::Done(listing) = listed.await.unwrap() else {
        panic!("the version is right");
    };
    listing
}

fn error(message: &str) -> DiscoveryError {
    DiscoveryError {
        class: "tool.unavailable".to_owned(),
        message: message.to_owned(),
    }
}

/// A new server is due at once, and nobody gets it twice; one that is switched off isn't due.
pub async fn a_due_server_is_claimed_once(h: &Harness) {
    let tenant = tenant(h).await;
    let server = mcp_server(h, &tenant, "a").await;
    let mut off = new_mcp_server(&tenant, "b");
    off.settings.enabled = false;
    h.store()
        .create_mcp_server(off, None, someone())
        .await
        .unwrap();
    assert_eq!(claimed(h, tenant.org).await, [server]);
    assert_eq!(claimed(h, tenant.org).await, []);
}

/// Two nodes that look at once get each server once.
pub async fn racing_nodes_share_the_due_servers(h: &Harness) {
    let tenant = tenant(h).await;
    let mut servers = Vec::new();
    for key in ["a", "b", "c", "d"] {
        servers.push(mcp_server(h, &tenant, key).await);
    }
    let barrier = Arc::new(Barrier::new(4));
    let mut racers = JoinSet::new();
    for _ in 0..4 {
        let (store, barrier) = (h.shared(), Arc::clone(&barrier));
        racers.spawn(async move {
            barrier.wait().await;
            store.claim_discoveries(100, LATER).await.unwrap()
        });
    }
    let got = racers.join_all().await.into_iter().flatten();
    let got = got.filter(|(org, _)| *org == tenant.org);
    let mut got: Vec<_> = got.map(|(_, server)| server).collect();
    got.extend(claimed(h, tenant.org).await);
    got.sort();
    servers.sort();
    assert_eq!(got, servers);
}

/// Whoever has asked says when the next time is; one that nobody came back from is asked anew.
pub async fn a_server_is_asked_again_later(h: &Harness) {
    let tenant = tenant(h).await;
    let server = mcp_server(h, &tenant, "a").await;
    let place = (tenant.org, server);
    assert_eq!(claimed(h, tenant.org).await, [server]);
    lists(h, place, "T", LATER).await;
    assert_eq!(claimed(h, tenant.org).await, []);
    lists(h, place, "T", Duration::ZERO).await;
    assert_eq!(claimed(h, tenant.org).await, [server]);
    lists(h, place, "T", Duration::ZERO).await;
    let held = h.store().claim_discoveries(1_000, Duration::ZERO).await;
    assert!(held.unwrap().contains(&place));
    assert_eq!(
        claimed(h, tenant.org).await,
        [server],
        "it was held no longer"
    );
}

/// Servers are asked when somebody wants it: one by name, or those that were asked long ago.
pub async fn what_is_wanted_is_due(h: &Harness) {
    let (one, other) = (tenant(h).await, tenant(h).await);
    let server = mcp_server(h, &one, "a").await;
    let place = (one.org, server);
    assert_eq!(claimed(h, one.org).await, [server]);
    let want = |org, wanted| h.store().want_discovery(org, wanted);
    let before = now();
    lists(h, place, "T", LATER).await;
    want(one.org, WantedDiscovery::AskedBefore(before))
        .await
        .unwrap();
    want(other.org, WantedDiscovery::Server(server))
        .await
        .unwrap();
    assert_eq!(claimed(h, one.org).await, []);
    want(one.org, WantedDiscovery::AskedBefore(now()))
        .await
        .unwrap();
    assert_eq!(claimed(h, one.org).await, [server]);
    // Wanted while it is being asked, it is asked again.
    want(one.org, WantedDiscovery::Server(server))
        .await
        .unwrap();
    lists(h, place, "T", LATER).await;
    assert_eq!(claimed(h, one.org).await, [server]);
    let failed = h
        .store()
        .put_discovery_failure(one.org, server, 2, error("x"), now(), LATER);
    assert_eq!(failed.await.unwrap(), Update::Done(()));
    want(one.org, WantedDiscovery::AskedBefore(now()))
        .await
        .unwrap();
    assert_eq!(
        claimed(h, one.org).await,
        [],
        "it is left alone for a while"
    );
}

/// A change that says nothing of how a server is reached leaves alone when it is asked.
pub async fn a_server_that_changes_is_due(h: &Harness) {
    let tenant = tenant(h).await;
    let server = mcp_server(h, &tenant, "a").await;
    let (org, store) = (tenant.org, h.store());
    assert_eq!(claimed(h, org).await, [server]);
    lists(h, (org, server), "T", LATER).await;
    let mut record = read(h, org, server).await;
    record.settings.name.push('!');
    let update = |version, settings| {
        store.update_mcp_server(org, server, version, settings, now(), someone())
    };
    update(2, record.settings.clone()).await.unwrap();
    assert_eq!(claimed(h, org).await, []);
    assert_eq!(read(h, org, server).await.discovery, record.discovery);
    record.settings.url.push_str("/v2");
    update(3, record.settings).await.unwrap();
    assert_eq!(claimed(h, org).await, [server]);
    assert_eq!(read(h, org, server).await.discovery, Discovery::default());
}

/// Failures are counted until the server answers, and what is late is dropped.
pub async fn a_failure_is_noted(h: &Harness) {
    let tenant = tenant(h).await;
    let server = mcp_server(h, &tenant, "a").await;
    let (org, store) = (tenant.org, h.store());
    let before = store.config_version(org).await.unwrap();
    let fail = |version, text, at| {
        store.put_discovery_failure(org, server, version, error(text), at, LATER)
    };
    let at = now();
    assert_eq!(fail(1, "one", now()).await.unwrap(), Update::Done(()));
    assert_eq!(fail(1, "two", at).await.unwrap(), Update::Done(()));
    let noted = Discovery {
        asked_at: Some(at),
        failures: 2,
        error: Some(error("two")),
    };
    let record = read(h, org, server).await;
    assert_eq!((record.discovery, record.version), (noted, 1));
    assert_eq!(store.config_version(org).await.unwrap(), before);
    assert_eq!(fail(2, "three", now()).await.unwrap(), Update::Stale);
    let unknown = McpServerId::generate(now());
    let absent = store.put_discovery_failure(org, unknown, 1, error("x"), now(), LATER);
    assert_eq!(absent.await.unwrap(), Update::Absent);
    let listing = lists(h, (org, server), "T", LATER).await;
    let answered = listing.server.discovery;
    assert_eq!((answered.failures, answered.error), (0, None));
}

/// What a server lists again changes nothing that anybody would have to read again.
pub async fn an_equal_list_raises_no_version(h: &Harness) {
    let tenant = tenant(h).await;
    let server = mcp_server(h, &tenant, "a").await;
    let (org, store) = (tenant.org, h.store());
    let first = lists(h, (org, server), "T", LATER).await;
    let before = store.config_version(org).await.unwrap();
    let again = lists(h, (org, server), "T", LATER).await;
    assert_eq!(again.server.version, first.server.version);
    assert!(again.tools[0].seen_at > first.tools[0].seen_at);
    assert!(again.server.listed_at > first.server.listed_at);
    assert_eq!(store.mcp_listing(org, server).await.unwrap(), Some(again));
    assert_eq!(store.config_version(org).await.unwrap(), before);
    let other = lists(h, (org, server), "other", LATER).await;
    assert_eq!(other.server.version, first.server.version + 1);
    assert_eq!(store.config_version(org).await.unwrap(), before + 1);
}
