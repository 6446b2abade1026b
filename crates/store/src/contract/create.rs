//! Creating a run.

use runloom_domain::{ApiKeyId, MessageBody, MessageId, RunStatus, ThreadId, UserId};

use super::Harness;
use super::fixtures::{
    Tenant, append_ok, create, done, first_page, new_run, node, now, post, running, someone,
    tenant, thread, try_create, types,
};
use crate::{
    Content, CreateRun, DeleteThread, FirstEvent, HistoryPart, LiveLimits, LiveScope, NewRun,
    OnBusy, StoreError,
};

/// The run, its first event with seq 1, and both of its rows are there.
pub async fn the_first_event_is_written(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let thread = thread(h, &tenant).await;
    let new = NewRun {
        owner: Some(node),
        metadata: Some(r#"{"a":1}"#.to_owned()),
        ..new_run(&tenant, thread)
    };
    let (org, id, trace, at) = (tenant.org, new.run_id, new.trace_id, new.created_at);
    let created = create(h, new).await;

    assert_eq!(created.first, FirstEvent::Started { history_until: 0 });
    assert_eq!(
        (created.epoch, created.event.data.as_str()),
        (1, r#"{"until":0}"#)
    );
    let events = h.store().events(org, id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].seq, &events[0].event), (1, &created.event));
    let head = h.store().head(org, id).await.unwrap().unwrap();
    assert_eq!((head.status, head.last_seq), (RunStatus::Running, 1));
    assert_eq!((head.thread_id, head.epoch, head.owned), (thread, 1, true));
    let run = h.store().run(org, id).await.unwrap().unwrap();
    assert_eq!((run.run_id, run.org_id, run.thread_id), (id, org, thread));
    assert_eq!((run.trace_id, run.created_at), (trace, at));
    assert_eq!(run.persona_id, "default@1");
    assert_eq!(
        (run.route_id.as_str(), run.model.as_str()),
        ("main", "model-1")
    );
    assert_eq!(run.metadata.as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(run.created_by, tenant.user);
    assert_eq!(run.created_by_name, Some(tenant.login));
    assert_eq!(run.created_by_email, Some(tenant.email));
    assert_eq!((run.ended_at, run.credits_used), (None, None));
}

/// A run without an owner is free at epoch 0, for anybody to claim.
pub async fn a_run_without_an_owner_is_free(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let new = new_run(&tenant, thread(h, &tenant).await);
    let id = new.run_id;
    assert_eq!(create(h, new).await.epoch, 0);
    let head = h.store().head(tenant.org, id).await.unwrap().unwrap();
    assert_eq!((head.epoch, head.owned), (0, false));
    let claimed = h.store().claim(node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].run_id, id);
}

/// Threads that never were, that were deleted, and that are another organisation's.
pub async fn there_must_be_a_thread(h: &Harness) {
    let (own, foreign) = (tenant(h).await, tenant(h).await);
    let deleted = thread(h, &own).await;
    let gone = h
        .store()
        .delete_thread(own.org, deleted, now(), someone())
        .await;
    assert_eq!(gone.unwrap(), DeleteThread::Deleted);
    let others = thread(h, &foreign).await;
    for thread in [ThreadId::generate(now()), deleted, others] {
        let new = new_run(&own, thread);
        let id = new.run_id;
        assert_eq!(try_create(h, new).await, CreateRun::NoThread);
        assert_eq!(h.store().head(own.org, id).await.unwrap(), None);
    }
}

/// A thread has one run that hasn't ended, unless runs may queue.
pub async fn a_busy_thread_refuses(h: &Harness) {
    let scene = running(h).await;
    let new = new_run(&scene.tenant, scene.thread);
    let id = new.run_id;
    let new = NewRun {
        input: Some((MessageId::generate(now()), "hello".to_owned())),
        ..new
    };
    assert_eq!(try_create(h, new).await, CreateRun::Busy(scene.run));
    assert_eq!(h.store().run(scene.tenant.org, id).await.unwrap(), None);
    let page = h
        .store()
        .messages(scene.tenant.org, scene.thread, first_page(9), true);
    assert!(page.await.unwrap().unwrap().items.is_empty());

    append_ok(h, scene.completion()).await;
    create(h, new_run(&scene.tenant, scene.thread)).await;
}

/// Live runs are counted by organisation; runs that must queue anyway are not held against it.
pub async fn an_organisation_has_a_limit_of_live_runs(h: &Harness) {
    let scene = running(h).await;
    let limited = |thread, on_busy| NewRun {
        max_live_runs: of_org(1),
        on_busy,
        ..new_run(&scene.tenant, thread)
    };
    let queue = OnBusy::Enqueue { max_queued: 1 };
    let free = thread(h, &scene.tenant).await;
    let refused = try_create(h, limited(free, queue)).await;
    assert_eq!(refused, CreateRun::TooManyLive(LiveScope::Org));
    create(h, limited(scene.thread, queue)).await;

    let other = tenant(h).await;
    let new = new_run(&other, thread(h, &other).await);
    create(
        h,
        NewRun {
            max_live_runs: of_org(1),
            ..new
        },
    )
    .await;
}

fn of_org(runs: u32) -> LiveLimits {
    LiveLimits {
        org: Some(runs),
        ..LiveLimits::default()
    }
}

/// A person's live runs are counted with all their keys, a key's by themselves, and neither
/// those of others.
pub async fn people_and_keys_have_limits_of_live_runs(h: &Harness) {
    let tenant = tenant(h).await;
    let colleague = Tenant {
        user: UserId::generate(now()),
        ..tenant.clone()
    };
    let [key, other_key] = [(); 2].map(|()| ApiKeyId::generate(now()));
    let create_as = async |who: &Tenant, key, limits: [Option<u32>; 2]| {
        let [user, api_key] = limits;
        let new = new_run(who, thread(h, who).await);
        let max_live_runs = LiveLimits {
            user,
            api_key,
            ..LiveLimits::default()
        };
        let new = NewRun {
            api_key_id: key,
            max_live_runs,
            ..new
        };
        try_create(h, new).await
    };
    let by_user = CreateRun::TooManyLive(LiveScope::User);
    let by_key = CreateRun::TooManyLive(LiveScope::ApiKey);
    let made = |outcome| assert!(matches!(outcome, CreateRun::Created(_)), "{outcome:?}");
    made(create_as(&tenant, Some(key), [Some(1), Some(1)]).await);
    let refused = create_as(&tenant, Some(key), [None, Some(1)]).await;
    assert_eq!(refused, by_key);
    made(create_as(&tenant, Some(other_key), [None, Some(1)]).await);
    made(create_as(&tenant, None, [None, Some(1)]).await);
    assert_eq!(create_as(&tenant, None, [Some(3), None]).await, by_user);
    made(create_as(&tenant, None, [Some(4), None]).await);
    made(create_as(&colleague, None, [Some(1), None]).await);
}

/// The input takes the thread's next position, and the run sees the thread up to it.
pub async fn the_input_is_posted_with_the_run(h: &Harness) {
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    post(h, &tenant, thread, "before").await;
    let input = MessageId::generate(now());
    let new = NewRun {
        input: Some((input, "what now?".to_owned())),
        ..new_run(&tenant, thread)
    };
    let (id, at) = (new.run_id, new.created_at);
    let created = create(h, new).await;
    assert_eq!(created.first, FirstEvent::Started { history_until: 2 });
    post(h, &tenant, thread, "after").await;

    let history = h
        .store()
        .history(tenant.org, thread, id, HistoryPart::newest(2, 100))
        .await
        .unwrap();
    let positions: Vec<u64> = history.iter().map(|m| m.position).collect();
    assert_eq!(positions, [1, 2]);
    let message = &history[1];
    assert_eq!((message.id, message.run_id), (input, Some(id)));
    assert_eq!(message.created_by_user_id, Some(tenant.user));
    assert_eq!(message.created_at, at);
    let content = "what now?".to_owned();
    assert_eq!(message.body, MessageBody::User { content });
}

/// Contents are kept once per organisation, by their hash.
pub async fn contents_are_kept_by_hash(h: &Harness) {
    let (own, foreign) = (tenant(h).await, tenant(h).await);
    let content = |hash: &str, body: &str| Content {
        hash: hash.to_owned(),
        body: body.to_owned(),
    };
    for bodies in [
        vec![content("aa", "one")],
        vec![content("aa", "one"), content("bb", "two")],
    ] {
        let new = new_run(&own, thread(h, &own).await);
        create(
            h,
            NewRun {
                contents: bodies,
                ..new
            },
        )
        .await;
    }
    let wanted = || ["bb", "aa", "cc"].map(str::to_owned).to_vec();
    let mut found = h.store().contents(own.org, wanted()).await.unwrap();
    found.sort_by(|a, b| a.hash.cmp(&b.hash));
    assert_eq!(found, [content("aa", "one"), content("bb", "two")]);
    assert_eq!(h.store().contents(foreign.org, wanted()).await.unwrap(), []);
}

/// Data that the database refuses is an error that leaves nothing behind.
pub async fn refused_data_creates_nothing(h: &Harness) {
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    let new = NewRun {
        input: Some((MessageId::generate(now()), "nul \0".to_owned())),
        ..new_run(&tenant, thread)
    };
    let id = new.run_id;
    let refused = h.store().create_run(new).await;
    assert!(
        matches!(refused, Err(StoreError::Rejected(_))),
        "{refused:?}"
    );
    assert_eq!(h.store().head(tenant.org, id).await.unwrap(), None);
    create(h, new_run(&tenant, thread)).await;
}

/// A fault in the closure that makes the first event is its caller's alone: the call fails or
/// panics, nothing of it is there, and the store works on.
pub async fn a_panic_in_the_first_event_harms_nobody(h: &Harness) {
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    let new = NewRun {
        first_event: Box::new(|_, _| panic!("this panic is part of the test")),
        input: Some((MessageId::generate(now()), "hi".to_owned())),
        ..new_run(&tenant, thread)
    };
    let (id, store) = (new.run_id, h.shared());
    let failed = tokio::spawn(async move { store.create_run(new).await }).await;
    assert!(!matches!(failed, Ok(Ok(_))), "{failed:?}");
    assert_eq!(h.store().head(tenant.org, id).await.unwrap(), None);
    let created = create(h, new_run(&tenant, thread)).await;
    assert_eq!(created.first, FirstEvent::Started { history_until: 0 });
}

/// An id is given once.
pub async fn a_repeated_run_id_is_refused(h: &Harness) {
    let scene = running(h).await;
    let thread = thread(h, &scene.tenant).await;
    let new = NewRun {
        run_id: scene.run,
        ..new_run(&scene.tenant, thread)
    };
    let refused = h.store().create_run(new).await;
    assert!(
        matches!(refused, Err(StoreError::Rejected(_))),
        "{refused:?}"
    );
    assert_eq!(
        types(h.store(), scene.tenant.org, scene.run).await,
        ["run.started"]
    );
    done(
        h.store()
            .create_run(new_run(&scene.tenant, thread))
            .await
            .unwrap(),
    );
}
