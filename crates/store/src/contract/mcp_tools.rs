//! What is known of the tools of MCP servers.

use std::sync::Arc;

use runloom_domain::{McpServerId, OrgId};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{LATER, found, mcp_server, new_mcp_server, now, someone, tenant};
use crate::McpToolState::{self, Approved, Changed, Gone, New};
use crate::{FoundTool, McpListing, McpToolRecord, StoreError, ToolVersion, UnknownTool, Update};

/// A server and what is done with it.
struct Listed<'a> {
    h: &'a Harness,
    org: OrgId,
    id: McpServerId,
}

impl Listed<'_> {
    async fn read(&self) -> McpListing {
        let listing = self.h.store().mcp_listing(self.org, self.id).await;
        listing.unwrap().unwrap()
    }

    /// The server lists these now.
    async fn lists(&self, tools: &[(&str, &str)]) -> Vec<McpToolRecord> {
        let found = tools.iter().map(|(tool, text)| found(tool, text)).collect();
        let version = self.read().await.server.version;
        let store = self.h.store();
        let listed = store.put_discovery(self.org, self.id, version, found, now(), LATER);
        let Update::Done(listing) = listed.await.unwrap() else {
            panic!("the version is right");
        };
        assert_eq!(listing, self.read().await);
        assert_eq!(listing.server.version, version + 1);
        listing.tools
    }

    async fn approves(&self, tools: Option<&[&str]>) -> Result<McpListing, UnknownTool> {
        let tools = tools.map(|tools| tools.iter().map(|tool| (*tool).to_owned()).collect());
        let store = self.h.store();
        let approved = store.approve_tools(self.org, self.id, None, tools, now(), someone());
        let Update::Done(outcome) = approved.await.unwrap() else {
            panic!("the server is there");
        };
        outcome
    }
}

async fn listed(h: &Harness) -> Listed<'_> {
    let tenant = tenant(h).await;
    let id = mcp_server(h, &tenant, "a").await;
    Listed {
        h,
        org: tenant.org,
        id,
    }
}

/// Each tool by name, with its state and the descriptions that are approved and that wait.
fn shown(tools: &[McpToolRecord]) -> Vec<(&str, McpToolState, Option<&str>, Option<&str>)> {
    let mut shown = Vec::new();
    for McpToolRecord {
        tool,
        state,
        approved,
        pending,
        ..
    } in tools
    {
        let (approved, pending) = (approved.as_ref(), pending.as_ref());
        shown.push((
            tool.as_str(),
            *state,
            approved.map(describe),
            pending.map(describe),
        ));
    }
    shown
}

fn describe(version: &ToolVersion) -> &str {
    &version.definition.description
}

/// What a server lists first is approved; what changes or comes later waits for somebody's word.
pub async fn what_changes_needs_to_be_approved(h: &Harness) {
    let server = listed(h).await;
    let tools = server.lists(&[("b", "B"), ("a", "A")]).await;
    assert_eq!(
        shown(&tools),
        [
            ("a", Approved, Some("A"), None),
            ("b", Approved, Some("B"), None)
        ]
    );
    let tools = server.lists(&[("a", "A"), ("b", "evil"), ("c", "C")]).await;
    assert_eq!(
        shown(&tools),
        [
            ("a", Approved, Some("A"), None),
            ("b", Changed, Some("B"), Some("evil")),
            ("c", New, None, Some("C")),
        ]
    );
    assert!(tools[1].usable().is_none() && tools[2].usable().is_none());
    let tools = server.lists(&[("a", "A"), ("b", "B")]).await;
    assert_eq!(
        shown(&tools),
        [
            ("a", Approved, Some("A"), None),
            ("b", Approved, Some("B"), None)
        ]
    );
}

/// A tool that isn't listed any more is gone; it comes back as it was, or waits as another one.
pub async fn a_tool_may_go_and_come_back(h: &Harness) {
    let server = listed(h).await;
    server.lists(&[("a", "A"), ("b", "B")]).await;
    let tools = server.lists(&[("a", "A")]).await;
    assert_eq!(
        shown(&tools),
        [
            ("a", Approved, Some("A"), None),
            ("b", Gone, Some("B"), None)
        ]
    );
    let tools = server.lists(&[("a", "A"), ("b", "other")]).await;
    assert_eq!(shown(&tools)[1], ("b", Changed, Some("B"), Some("other")));
    server.lists(&[("a", "A")]).await;
    let tools = server.lists(&[("a", "A"), ("b", "B")]).await;
    assert_eq!(shown(&tools)[1], ("b", Approved, Some("B"), None));
}

/// Tools are approved by name or all at once, as they are then.
pub async fn tools_are_approved(h: &Harness) {
    let server = listed(h).await;
    server.lists(&[("a", "A"), ("b", "B")]).await;
    server.lists(&[("a", "A2"), ("b", "B2"), ("c", "C")]).await;
    let unknown = server.approves(Some(&["a", "z"])).await;
    assert_eq!(unknown, Err(UnknownTool("z".to_owned())));
    let before = server.read().await;
    assert_eq!(
        before.tools[0].state, Changed,
        "nothing is approved by halves"
    );
    let after = server.approves(Some(&["a", "c"])).await.unwrap();
    assert_eq!(after, server.read().await);
    assert_eq!(after.server.version, before.server.version + 1);
    assert_eq!(
        shown(&after.tools),
        [
            ("a", Approved, Some("A2"), None),
            ("b", Changed, Some("B"), Some("B2")),
            ("c", Approved, Some("C"), None),
        ]
    );
    let all = server.approves(None).await.unwrap();
    assert!(all.tools.iter().all(|tool| tool.usable().is_some()));
    let seen = before.server.version;
    let store = h.store();
    let late = store.approve_tools(server.org, server.id, Some(seen), None, now(), someone());
    assert_eq!(late.await.unwrap(), Update::Stale);
}

/// With `approve_new` a new tool needs nobody's word, but a changed one does.
pub async fn new_tools_may_be_welcome(h: &Harness) {
    let tenant = tenant(h).await;
    let mut new = new_mcp_server(&tenant, "a");
    new.settings.approve_new = true;
    let (org, id) = (tenant.org, new.server_id);
    h.store()
        .create_mcp_server(new, None, someone())
        .await
        .unwrap();
    let server = Listed { h, org, id };
    server.lists(&[("a", "A")]).await;
    let tools = server.lists(&[("a", "A2"), ("b", "B")]).await;
    assert_eq!(
        shown(&tools),
        [
            ("a", Changed, Some("A"), Some("A2")),
            ("b", Approved, Some("B"), None)
        ]
    );
}

/// At another address the first list is approved again.
pub async fn a_moved_server_is_listed_afresh(h: &Harness) {
    let server = listed(h).await;
    server.lists(&[("a", "A")]).await;
    let mut settings = server.read().await.server.settings;
    settings.url.push_str("/v2");
    let store = h.store();
    let moved = store.update_mcp_server(server.org, server.id, 2, settings, now(), someone());
    assert!(matches!(moved.await.unwrap(), Update::Done(_)));
    let tools = server.lists(&[("a", "A2"), ("b", "B")]).await;
    assert_eq!(
        shown(&tools),
        [
            ("a", Approved, Some("A2"), None),
            ("b", Approved, Some("B"), None)
        ]
    );
}

/// What was asked of the server as it was before says nothing of it as it is now.
pub async fn a_late_list_is_stale(h: &Harness) {
    let server = listed(h).await;
    let barrier = Arc::new(Barrier::new(2));
    let mut racers = JoinSet::new();
    for text in ["one", "two"] {
        let (store, barrier) = (h.shared(), Arc::clone(&barrier));
        let (org, id) = (server.org, server.id);
        racers.spawn(async move {
            barrier.wait().await;
            let tools = vec![found("a", text)];
            store
                .put_discovery(org, id, 1, tools, now(), LATER)
                .await
                .unwrap()
        });
    }
    let outcomes = racers.join_all().await;
    let stale = outcomes.iter().filter(|outcome| **outcome == Update::Stale);
    assert_eq!(stale.count(), 1, "{outcomes:?}");
    let unknown = McpServerId::generate(now());
    let absent = h
        .store()
        .put_discovery(server.org, unknown, 1, vec![], now(), LATER);
    assert_eq!(absent.await.unwrap(), Update::Absent);
}

/// Lists and approvals raise the version of the configuration; many tools are no trouble, and
/// what can't be stored is refused.
pub async fn lists_are_part_of_the_configuration(h: &Harness) {
    let server = listed(h).await;
    let (store, org) = (h.store(), server.org);
    let many: Vec<FoundTool> = (0..512).map(|n| found(&format!("t{n}"), "T")).collect();
    let before = store.config_version(org).await.unwrap();
    store
        .put_discovery(org, server.id, 1, many, now(), LATER)
        .await
        .unwrap();
    assert_eq!(store.config_version(org).await.unwrap(), before + 1);
    server.approves(None).await.unwrap();
    let configured = store.configured_tools(org).await.unwrap();
    assert_eq!(configured.version, before + 2);
    assert_eq!(configured.servers[0].tools.len(), 512);
    let bad = vec![found("a\0", "A")];
    let refused = store
        .put_discovery(org, server.id, 3, bad, now(), LATER)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Rejected(_))),
        "{refused:?}"
    );
    assert_eq!(server.read().await.tools.len(), 512);
}
