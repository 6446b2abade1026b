//! What tests write into a store.

use runloom_domain::{
    Clock, EncodedEvent, NodeId, OrgId, RunId, SystemClock, ThreadId, TraceId, UserId,
};
use runloom_store::{
    Allowance, Change, CreateRun, LiveLimits, NewRun, NewThread, OnBusy, Once, Store,
};

pub(crate) fn event() -> EncodedEvent {
    EncodedEvent {
        event_type: "message.delta".to_owned(),
        data: "{}".to_owned(),
        private: None,
        created_at: SystemClock.now(),
    }
}

pub(crate) fn new_thread(org: OrgId) -> NewThread {
    let now = SystemClock.now();
    NewThread {
        org_id: org,
        thread_id: ThreadId::generate(now),
        created_by: UserId::generate(now),
        title: None,
        metadata: None,
        created_at: now,
    }
}

pub(crate) fn new_run(org: OrgId, thread: ThreadId) -> NewRun {
    let now = SystemClock.now();
    NewRun {
        org_id: org,
        run_id: RunId::generate(now),
        thread_id: thread,
        parent: None,
        created_by: UserId::generate(now),
        api_key_id: None,
        trace_id: TraceId::generate(),
        created_at: now,
        persona_id: "default@1".to_owned(),
        route_id: "demo".to_owned(),
        model: "demo".to_owned(),
        metadata: None,
        input: None,
        rewind: None,
        contents: Vec::new(),
        on_busy: OnBusy::Reject,
        max_live_runs: LiveLimits::default(),
        allowance: Allowance::default(),
        owner: Some(NodeId::generate(now)),
        first_event: Box::new(|_, _| event()),
        once: None,
    }
}

/// A run that its node owns at epoch 1, with one event.
pub(crate) async fn running(store: &impl Store) -> (OrgId, RunId) {
    let org = OrgId::generate(SystemClock.now());
    let thread = new_thread(org);
    let new = new_run(org, thread.thread_id);
    let run = new.run_id;
    store.create_thread(thread, None).await.unwrap();
    let created = store.create_run(new).await.unwrap();
    assert!(
        matches!(created, Once::Done(CreateRun::Created(_))),
        "{created:?}"
    );
    (org, run)
}

pub(crate) fn change((org_id, run_id): (OrgId, RunId)) -> Change {
    Change {
        org_id,
        run_id,
        epoch: 1,
        expect_status: None,
        events: vec![event()],
        projection: None,
    }
}
