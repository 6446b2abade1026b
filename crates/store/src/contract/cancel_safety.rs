//! Writes whose caller goes away: once begun they happen, and whole, and nobody who comes after
//! has to wait for them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use runloom_domain::{MessageId, RunStatus};

use super::Harness;
use super::fixtures::{
    LATER, Scene, answer_message, call, event, first_page, first_version, found, idempotency,
    new_account, new_api_key, new_credential, new_http_tool, new_mcp_server, new_message,
    new_route, new_run, new_thread, node, now, post, running, running_for, someone, tenant, thread,
    types, waiting,
};
use crate::{NewRun, Once, Projection, Rewind, ThreadPatch};

/// How soon the next write must be done. One that has to wait for an abandoned transaction
/// waits 5 s, or for ever.
const SOON: Duration = Duration::from_secs(1);

/// How often a drop is tried in each of its two ways.
const TRIES: usize = 5;

/// Drops each future at its first poll or after 1 ms, and checks that the store works on.
/// Makes twice as many futures as there are tries.
async fn dropped<F: Future>(h: &Harness, mut make: impl FnMut() -> F) {
    for _ in 0..TRIES {
        {
            let mut write = pin!(make());
            let _ = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        works_on(h).await;
        let _ = tokio::time::timeout(Duration::from_millis(1), make()).await;
        works_on(h).await;
    }
}

/// Writes of each lane succeed at once.
async fn works_on(h: &Harness) {
    let writes = async {
        let scene = running(h).await;
        post(h, &scene.tenant, scene.thread, "next").await;
        h.store().append(vec![scene.completion()]).await.unwrap();
    };
    let done = tokio::time::timeout(SOON, writes).await;
    assert!(done.is_ok(), "the next writes waited for a dropped one");
}

/// Waits until all of a dropped write is there. It may still be on its way, of which nobody
/// can tell.
async fn eventually(all_there: impl AsyncFn() -> bool) {
    for _ in 0..200 {
        if all_there().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a dropped write is not there, or half of it");
}

/// Creating a run: its rows, its event, its input, its contents and its key.
pub async fn create_run(h: &Harness) {
    let tenant = tenant(h).await;
    let mut made = Vec::new();
    for _ in 0..2 * TRIES {
        let thread = thread(h, &tenant).await;
        made.push((
            thread,
            new_run(&tenant, thread).run_id,
            idempotency(&tenant, "POST"),
        ));
    }
    let new = |(thread, run, once): &(_, _, _)| NewRun {
        run_id: *run,
        input: Some((MessageId::generate(now()), "hi".to_owned())),
        once: Some(crate::Idempotency::clone(once)),
        ..new_run(&tenant, *thread)
    };
    let mut left = made.iter();
    dropped(h, || {
        let (store, new) = (h.store(), new(left.next().unwrap()));
        async move { store.create_run(new).await }
    })
    .await;
    for each in &made {
        let (thread, run, _) = each;
        eventually(async || {
            let (store, org) = (h.store(), tenant.org);
            let there = store.head(org, *run).await.unwrap().is_some();
            let list = store
                .messages(org, *thread, first_page(9), true)
                .await
                .unwrap()
                .unwrap();
            there
                && store.run(org, *run).await.unwrap().is_some()
                && types(store, org, *run).await.len() == 1
                && list.items.len() == 1
        })
        .await;
        let again = h.store().create_run(new(each)).await.unwrap();
        assert!(matches!(again, Once::Replayed(_)), "{again:?}");
    }
}

/// Rewinding: the edit, what is hidden and the run.
pub async fn rewind(h: &Harness) {
    let tenant = tenant(h).await;
    let mut made = Vec::new();
    for _ in 0..2 * TRIES {
        let thread = thread(h, &tenant).await;
        let first = post(h, &tenant, thread, "old").await;
        post(h, &tenant, thread, "hidden").await;
        made.push((thread, first, new_run(&tenant, thread).run_id));
    }
    let mut left = made.iter();
    dropped(h, || {
        let (thread, message, run_id) = left.next().unwrap();
        let rewind = Rewind {
            message_id: Some(*message),
            content: Some("new".to_owned()),
        };
        let (store, new) = (h.store(), new_run(&tenant, *thread));
        let new = NewRun {
            run_id: *run_id,
            rewind: Some(rewind),
            ..new
        };
        async move { store.create_run(new).await }
    })
    .await;
    for (thread, _, run) in made {
        eventually(async || {
            let there = h.store().head(tenant.org, run).await.unwrap().is_some();
            let list = h.store().messages(tenant.org, thread, first_page(9), true);
            let list = list.await.unwrap().unwrap().items;
            let edited = list.last().is_some_and(|m| m.body.content() == "new");
            (there, edited, list.len()) == (true, true, 1)
        })
        .await;
    }
}

/// Appending: events, message, status and ledger.
pub async fn append(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut scenes = Vec::new();
    for _ in 0..2 * TRIES {
        scenes.push(running_for(h, &tenant, node).await);
    }
    let step = |scene: &Scene| {
        let projection = Projection {
            status: Some(RunStatus::WaitingForInput),
            messages: vec![answer_message("x")],
            calls: vec![call(1, 1)],
            ..Projection::default()
        };
        scene.change(
            vec![event("step.completed"), event("tool.call")],
            projection,
        )
    };
    let mut left = scenes.iter();
    dropped(h, || {
        let (store, change) = (h.store(), step(left.next().unwrap()));
        async move { store.append(vec![change]).await }
    })
    .await;
    for scene in &scenes {
        is_whole(h, scene, RunStatus::WaitingForInput, 3).await;
        // The ledger has the step, so it is refused a second time.
        let again = h.store().append(vec![step(scene)]).await.unwrap();
        assert!(
            matches!(again[0], crate::Appended::Invalid { .. }),
            "{again:?}"
        );
    }
}

/// The run has the status, so many events and one message of its own.
async fn is_whole(h: &Harness, scene: &Scene, status: RunStatus, events: u64) {
    eventually(async || {
        let (head, seen) = (scene.head(h).await, scene.own_messages(h).await);
        (head.status, head.last_seq, seen.len()) == (status, events, 1)
    })
    .await;
    assert_eq!(scene.types(h).await.len() as u64, events);
}

/// An intent: the event, its message, the status and the epoch.
pub async fn intend(h: &Harness) {
    let mut scenes = Vec::new();
    for _ in 0..2 * TRIES {
        scenes.push(waiting(h).await);
    }
    let mut left = scenes.iter();
    dropped(h, || {
        let (store, mut answer) = (h.store(), left.next().unwrap().answer());
        answer.projection.messages = vec![answer_message("x")];
        async move { store.intend(answer).await }
    })
    .await;
    for scene in &scenes {
        is_whole(h, scene, RunStatus::Running, 3).await;
        assert_eq!(scene.head(h).await.epoch, scene.epoch + 1);
    }
}

/// Claims and leases: a run that a dropped claim has taken is freed with its node's lease.
pub async fn claim_and_lease(h: &Harness) {
    let (tenant, holder) = (tenant(h).await, node(h).await);
    for _ in 0..4 {
        let new = new_run(&tenant, thread(h, &tenant).await);
        super::fixtures::create(h, new).await;
    }
    dropped(h, || {
        let store = h.store();
        async move { store.claim(holder, 1).await }
    })
    .await;
    dropped(h, || {
        let store = h.store();
        async move { store.renew_lease(holder).await }
    })
    .await;
    dropped(h, || {
        let store = h.store();
        async move { store.free_lost(holder).await }
    })
    .await;
    dropped(h, || {
        let store = h.store();
        async move { store.end_lease(holder).await }
    })
    .await;
    h.store().end_lease(holder).await.unwrap();
    let next = node(h).await;
    eventually(async || {
        // A dropped renewal may come after the end, and a dropped claim after that.
        h.store().end_lease(holder).await.unwrap();
        h.store().claim(next, 10).await.unwrap();
        let runs = h
            .store()
            .runs(tenant.org, crate::RunFilter::default(), first_page(9));
        let mut owned = 0;
        for run in runs.await.unwrap().items {
            let head = h
                .store()
                .head(tenant.org, run.run_id)
                .await
                .unwrap()
                .unwrap();
            owned += usize::from(head.owned && head.epoch > 0);
        }
        owned == 4
    })
    .await;
}

/// Threads and messages.
pub async fn threads(h: &Harness) {
    let tenant = tenant(h).await;
    let org = tenant.org;
    let mut made = Vec::new();
    dropped(h, || {
        let (store, new) = (h.store(), new_thread(&tenant));
        made.push(new.thread_id);
        let once = idempotency(&tenant, "POST");
        async move { store.create_thread(new, Some(once)).await }
    })
    .await;
    for thread in made {
        eventually(async || h.store().thread(org, thread).await.unwrap().is_some()).await;
    }
    let id = thread(h, &tenant).await;
    dropped(h, || {
        let (store, new) = (h.store(), new_message(&tenant, id, "x"));
        async move { store.post_message(new, None).await }
    })
    .await;
    eventually(async || {
        let list = h.store().messages(org, id, first_page(99), true).await;
        let positions = list.unwrap().unwrap().items.into_iter().map(|m| m.position);
        positions.eq((1..=2 * TRIES as u64).rev())
    })
    .await;
    let text = || Some(Some("new".to_owned()));
    dropped(h, || {
        let store = h.store();
        let (title, metadata) = (text(), text());
        async move {
            store
                .update_thread(org, id, ThreadPatch { title, metadata })
                .await
        }
    })
    .await;
    eventually(async || {
        let read = h.store().thread(org, id).await.unwrap().unwrap();
        (Some(read.title), Some(read.metadata)) == (text(), text())
    })
    .await;
    dropped(h, || {
        let store = h.store();
        async move { store.delete_thread(org, id, now(), someone()).await }
    })
    .await;
    eventually(async || h.store().thread(org, id).await.unwrap().is_none()).await;
}

/// Accounts.
pub async fn accounts(h: &Harness) {
    let mut people = Vec::new();
    dropped(h, || {
        let (store, new) = (h.store(), new_account());
        people.push(new.clone());
        async move { store.create_account(new, None, someone()).await }
    })
    .await;
    for person in people {
        eventually(async || {
            let store = h.store();
            store
                .user(person.org_id, person.user_id)
                .await
                .unwrap()
                .is_some()
                && store.find_login(&person.login).await.unwrap().is_some()
                && store.find_login(&person.email).await.unwrap().is_some()
        })
        .await;
    }
}

/// API keys.
pub async fn api_keys(h: &Harness) {
    let tenant = tenant(h).await;
    let org = tenant.org;
    let mut keys = Vec::new();
    dropped(h, || {
        let (store, new) = (h.store(), new_api_key(&tenant));
        keys.push(new.clone());
        async move { store.create_api_key(new, None, someone()).await }
    })
    .await;
    for key in &keys {
        let found = async || h.store().find_api_key(&key.public_id).await.unwrap();
        eventually(async || found().await.is_some()).await;
    }
    let mut left = keys.iter();
    dropped(h, || {
        let (store, key) = (h.store(), left.next().unwrap().api_key_id);
        async move { store.touch_api_key(org, key, now()).await }
    })
    .await;
    for key in &keys {
        let found = async || {
            h.store()
                .find_api_key(&key.public_id)
                .await
                .unwrap()
                .unwrap()
        };
        eventually(async || found().await.last_used_at.is_some()).await;
    }
    let mut left = keys.iter();
    dropped(h, || {
        let (store, key) = (h.store(), left.next().unwrap().api_key_id);
        async move { store.revoke_api_key(org, None, key, now(), someone()).await }
    })
    .await;
    eventually(async || {
        let page = h.store().api_keys(org, None, first_page(99)).await.unwrap();
        page.items.is_empty()
    })
    .await;
}

/// Credentials, routes and personas.
pub async fn configuration(h: &Harness) {
    let tenant = tenant(h).await;
    let org = tenant.org;
    let mut credentials = Vec::new();
    dropped(h, || {
        let (store, new) = (h.store(), new_credential(&tenant));
        credentials.push(new.credential_id);
        async move { store.create_credential(new, None, someone()).await }
    })
    .await;
    let all = credentials.len();
    eventually(async || {
        let page = h.store().credentials(org, first_page(99)).await.unwrap();
        page.items.len() == all
    })
    .await;
    dropped(h, || {
        let (store, new) = (h.store(), new_route(&tenant, credentials[0]));
        async move { store.create_route(new, None, someone()).await }
    })
    .await;
    eventually(async || h.store().configured(org).await.unwrap().routes.len() == all).await;
    let mut left = credentials[1..].iter().chain(&credentials[1..2]);
    dropped(h, || {
        let (store, id) = (h.store(), *left.next().unwrap());
        async move { store.delete_credential(org, id, None, someone()).await }
    })
    .await;
    eventually(async || {
        let page = h.store().credentials(org, first_page(99)).await.unwrap();
        page.items.len() == 1
    })
    .await;
    let mut count = 0;
    dropped(h, || {
        count += 1;
        let (store, new) = (h.store(), first_version(&tenant, &format!("p{count}")));
        async move { store.write_persona(new, someone()).await }
    })
    .await;
    eventually(async || {
        let page = h.store().personas(org, first_page(99)).await.unwrap();
        page.items.len() == count
    })
    .await;
}

/// Tools that organisations bring.
pub async fn tools(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, mut servers) = (tenant.org, Vec::new());
    dropped(h, || {
        let new = new_mcp_server(&tenant, &format!("s{}", servers.len()));
        servers.push(new.server_id);
        let store = h.store();
        async move { store.create_mcp_server(new, None, someone()).await }
    })
    .await;
    let all = servers.len();
    eventually(async || h.store().configured_tools(org).await.unwrap().servers.len() == all).await;
    let mut unlisted = servers.iter();
    dropped(h, || {
        let (store, id) = (h.store(), *unlisted.next().unwrap());
        let tools = vec![found("t", "T")];
        async move { store.put_discovery(org, id, 1, tools, now(), LATER).await }
    })
    .await;
    eventually(async || {
        let configured = h.store().configured_tools(org).await.unwrap();
        let mut servers = configured.servers.iter();
        servers.all(|listing| listing.server.version == 2 && listing.tools.len() == 1)
    })
    .await;
    let mut count = 0;
    dropped(h, || {
        count += 1;
        let (store, new) = (h.store(), new_http_tool(&tenant, &format!("t{count}")));
        async move { store.create_http_tool(new, None, someone()).await }
    })
    .await;
    eventually(async || h.store().configured_tools(org).await.unwrap().http.len() == count).await;
}
