//! An organisation's HTTP tools.

use runloom_domain::{HttpToolId, ToolClass};

use super::Harness;
use super::fixtures::{
    append_ok, done, first_page, http_tool, idempotency, new_http_tool, next_page, now,
    running_with, someone, stored_key, tenant,
};
use crate::{
    DeleteConfig, HttpToolRecord, HttpToolSettings, NewHttpTool, Once, StoreError, ToolRefusal,
    Update,
};

/// A tool comes back as it was made, secrets and all.
pub async fn a_tool_is_made_and_read(h: &mut Harness) {
    let tenant = tenant(h).await;
    let mut bare = new_http_tool(&tenant, "bare");
    bare.settings.headers.clear();
    bare.settings.secret_header = None;
    bare.settings.class = ToolClass::Once;
    bare.settings.enabled = false;
    let made = [bare, new_http_tool(&tenant, "look_up")];
    for new in &made {
        let created = h
            .store()
            .create_http_tool(new.clone(), None, someone())
            .await;
        assert_eq!(done(created.unwrap()), Ok(()));
    }
    let made = made.map(HttpToolRecord::from);
    for _ in 0..2 {
        for tool in &made {
            let read = h.store().http_tool(tenant.org, tool.tool_id).await;
            assert_eq!(read.unwrap().as_ref(), Some(tool));
        }
        let mut all = h.store().configured_tools(tenant.org).await.unwrap().http;
        all.sort_by_key(|tool| tool.created_at);
        assert_eq!(all, made);
        if !h.reopen().await {
            return;
        }
    }
}

/// Lists go newest first, in pages.
pub async fn tools_are_listed(h: &Harness) {
    let tenant = tenant(h).await;
    let mut expected = Vec::new();
    for name in ["a", "b", "c"] {
        expected.insert(0, http_tool(h, &tenant, name).await);
    }
    let list = |page| {
        let (store, org) = (h.store(), tenant.org);
        async move { store.http_tools(org, page).await.unwrap() }
    };
    let ids = |rows: &[HttpToolRecord]| rows.iter().map(|r| r.tool_id).collect::<Vec<_>>();
    let first = list(first_page(2)).await;
    assert_eq!(ids(&first.items), expected[..2]);
    let last = list(next_page(&first, 2)).await;
    assert_eq!(
        (ids(&last.items), last.next),
        (expected[2..].to_vec(), None)
    );
}

/// A change replaces what is there, wants to be of the version it knows, and takes no name that
/// another tool has.
pub async fn a_tool_is_changed(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, new) = (tenant.org, new_http_tool(&tenant, "a"));
    let id = new.tool_id;
    done(
        h.store()
            .create_http_tool(new.clone(), None, someone())
            .await
            .unwrap(),
    )
    .unwrap();
    http_tool(h, &tenant, "b").await;
    let update = |id, expected, settings: &HttpToolSettings| {
        let (store, settings) = (h.store(), settings.clone());
        async move {
            let updated = store.update_http_tool(org, id, expected, settings, now(), someone());
            updated.await.unwrap()
        }
    };
    let mut settings = new.settings;
    "b".clone_into(&mut settings.definition.name);
    assert_eq!(
        update(id, 1, &settings).await,
        Update::Done(Err(ToolRefusal::Taken))
    );
    "c".clone_into(&mut settings.definition.name);
    settings.signing_secret = stored_key(9).secret;
    settings.secret_header = None;
    let Update::Done(Ok(record)) = update(id, 1, &settings).await else {
        panic!("the version is right");
    };
    assert_eq!((record.version, &record.settings), (2, &settings));
    assert_eq!(update(id, 1, &settings).await, Update::Stale);
    assert_eq!(h.store().http_tool(org, id).await.unwrap(), Some(record));
    let unknown = HttpToolId::generate(now());
    assert_eq!(update(unknown, 1, &settings).await, Update::Absent);
}

/// A tool goes when no run froze it, and each write raises the configuration's version.
pub async fn a_tool_in_use_stays(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, id) = (tenant.org, http_tool(h, &tenant, "a").await);
    assert_eq!(h.store().config_version(org).await.unwrap(), 1);
    let run = running_with(h, &tenant, id).await;
    let delete = |expected| {
        let store = h.store();
        async move {
            store
                .delete_http_tool(org, id, expected, someone())
                .await
                .unwrap()
        }
    };
    assert_eq!(delete(Some(2)).await, DeleteConfig::Stale);
    let used = DeleteConfig::InUse { routes: 0, runs: 1 };
    assert_eq!(delete(Some(1)).await, used);
    append_ok(h, run.completion()).await;
    assert_eq!(delete(Some(1)).await, DeleteConfig::Deleted);
    assert_eq!(delete(None).await, DeleteConfig::Absent);
    assert_eq!(h.store().http_tool(org, id).await.unwrap(), None);
    assert_eq!(h.store().config_version(org).await.unwrap(), 2);
}

/// A name has one tool, and a repeat gets the first answer.
pub async fn a_tool_is_made_once(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /http-tools");
    let make = |name| {
        let new = new_http_tool(&tenant, name);
        h.store()
            .create_http_tool(new, Some(once.clone()), someone())
    };
    let taken = http_tool(h, &tenant, "a").await;
    let refused = make("a").await.unwrap();
    assert_eq!(refused, Once::Done(Err(ToolRefusal::Taken)));
    h.store()
        .delete_http_tool(tenant.org, taken, None, someone())
        .await
        .unwrap();
    assert_eq!(make("a").await.unwrap(), Once::Done(Ok(())));
    let again = Once::Replayed(once.answer.clone());
    assert_eq!(make("a").await.unwrap(), again);
    let all = h.store().http_tools(tenant.org, first_page(9)).await;
    assert_eq!(all.unwrap().items.len(), 1);
}

/// What can't be stored is refused.
pub async fn a_bad_tool_is_refused(h: &Harness) {
    let tenant = tenant(h).await;
    let mut bad = new_http_tool(&tenant, "a");
    bad.settings.definition.description.push('\0');
    let first = new_http_tool(&tenant, "b");
    done(
        h.store()
            .create_http_tool(first.clone(), None, someone())
            .await
            .unwrap(),
    )
    .unwrap();
    let mut repeated = first;
    "c".clone_into(&mut repeated.settings.definition.name);
    let refuse = |new: NewHttpTool| {
        let store = h.store();
        async move { store.create_http_tool(new, None, someone()).await }
    };
    for refused in [refuse(bad).await, refuse(repeated).await] {
        assert!(
            matches!(refused, Err(StoreError::Rejected(_))),
            "{refused:?}"
        );
    }
}
