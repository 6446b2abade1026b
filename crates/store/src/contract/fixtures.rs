//! People, threads, runs and events to test with. Ids are random and times only ever grow, so
//! that cases never meet in a store that they should happen to share.

use std::sync::atomic::{AtomicI64, Ordering};

use runloom_domain::{
    ApiKeyId, Clock, EncodedEvent, MessageBody, MessageId, ModelCall, Multiplier, NanoUsd, NodeId,
    OrgId, OrgRole, RunId, RunStatus, SystemClock, ThreadId, Timestamp, TokenBuckets, TraceId,
    Usage, UsageSource, UserId,
};

use super::Harness;
use crate::{
    Appended, Change, CreateAccount, CreateRun, CreatedRun, FirstEvent, Idempotency, Intent,
    NewAccount, NewApiKey, NewMessage, NewRun, NewThread, OnBusy, Once, Page, PageKey, Paged,
    Projection, RunEnd, RunHead, Store, StoredAnswer, UserMessage, Wake,
};

/// The present moment, later than any that was given before.
pub(super) fn now() -> Timestamp {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = SystemClock.now().as_micros();
    let before = LAST.fetch_max(now, Ordering::SeqCst);
    if before < now {
        return Timestamp::from_micros(now);
    }
    Timestamp::from_micros(LAST.fetch_add(1, Ordering::SeqCst) + 1)
}

/// A person in an organisation of their own.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) org: OrgId,
    pub(super) user: UserId,
    pub(super) login: String,
    pub(super) email: String,
}

/// A person to be registered.
pub(super) fn new_account() -> NewAccount {
    let user_id = UserId::generate(now());
    let tail = user_id.as_uuid().simple().to_string();
    NewAccount {
        user_id,
        org_id: OrgId::generate(now()),
        org_name: "Acme".to_owned(),
        login: format!("ada-{tail}"),
        email: format!("ada-{tail}@example.org"),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        role: OrgRole::Owner,
        created_at: now(),
    }
}

pub(super) async fn tenant(h: &Harness) -> Tenant {
    let new = new_account();
    let tenant = Tenant {
        org: new.org_id,
        user: new.user_id,
        login: new.login.clone(),
        email: new.email.clone(),
    };
    let created = h.store().create_account(new).await.unwrap();
    assert_eq!(created, CreateAccount::Created);
    tenant
}

pub(super) fn new_thread(tenant: &Tenant) -> NewThread {
    NewThread {
        org_id: tenant.org,
        thread_id: ThreadId::generate(now()),
        created_by: tenant.user,
        title: None,
        metadata: None,
        created_at: now(),
    }
}

pub(super) async fn thread(h: &Harness, tenant: &Tenant) -> ThreadId {
    let new = new_thread(tenant);
    let id = new.thread_id;
    let created = h.store().create_thread(new, None).await.unwrap();
    assert_eq!(created, Once::Done(()));
    id
}

pub(super) fn new_message(tenant: &Tenant, thread: ThreadId, content: &str) -> UserMessage {
    UserMessage {
        org_id: tenant.org,
        thread_id: thread,
        message_id: MessageId::generate(now()),
        content: content.to_owned(),
        created_by: tenant.user,
        created_at: now(),
    }
}

pub(super) async fn post(h: &Harness, tenant: &Tenant, thread: ThreadId, text: &str) -> MessageId {
    let message = new_message(tenant, thread, text);
    let id = message.message_id;
    let posted = done(h.store().post_message(message, None).await.unwrap());
    assert!(posted.is_some(), "the thread is there");
    id
}

pub(super) fn new_api_key(tenant: &Tenant) -> NewApiKey {
    let api_key_id = ApiKeyId::generate(now());
    // The last characters of a UUIDv7 are random.
    let random = api_key_id.as_uuid().simple().to_string();
    NewApiKey {
        api_key_id,
        org_id: tenant.org,
        user_id: tenant.user,
        name: "laptop".to_owned(),
        public_id: random[24..].to_owned(),
        secret_hash: [7; 32],
        scopes: vec!["runs.read".to_owned(), "runs.write".to_owned()],
        expires_at: None,
        created_at: now(),
    }
}

/// A node that holds its lease.
pub(super) async fn node(h: &Harness) -> NodeId {
    let node = NodeId::generate(now());
    h.store().renew_lease(node).await.unwrap();
    node
}

/// A run that starts, free to be claimed. Its first event tells how it began.
pub(super) fn new_run(tenant: &Tenant, thread: ThreadId) -> NewRun {
    let created_at = now();
    NewRun {
        org_id: tenant.org,
        run_id: RunId::generate(created_at),
        thread_id: thread,
        created_by: tenant.user,
        trace_id: TraceId::generate(),
        created_at,
        persona_id: "default@1".to_owned(),
        route_id: "main".to_owned(),
        model: "model-1".to_owned(),
        metadata: None,
        input: None,
        rewind: None,
        contents: Vec::new(),
        on_busy: OnBusy::Reject,
        max_live_runs: None,
        owner: None,
        first_event: Box::new(move |first| first_event(first, created_at)),
        once: None,
    }
}

fn first_event(first: FirstEvent, created_at: Timestamp) -> EncodedEvent {
    let (event_type, data) = match first {
        FirstEvent::Started { history_until } => {
            ("run.started", format!(r#"{{"until":{history_until}}}"#))
        }
        FirstEvent::Queued { behind } => ("run.queued", format!(r#"{{"behind":"{behind}"}}"#)),
    };
    EncodedEvent {
        event_type: event_type.to_owned(),
        data,
        private: Some(r#"{"kind":"spec"}"#.to_owned()),
        created_at,
    }
}

pub(super) async fn try_create(h: &Harness, new: NewRun) -> CreateRun {
    done(h.store().create_run(new).await.unwrap())
}

pub(super) async fn create(h: &Harness, new: NewRun) -> CreatedRun {
    match try_create(h, new).await {
        CreateRun::Created(created) => created,
        other => panic!("the run was not created: {other:?}"),
    }
}

/// The run that is being tested, with where it is and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) tenant: Tenant,
    pub(super) thread: ThreadId,
    pub(super) node: NodeId,
    pub(super) run: RunId,
    /// The epoch at which the node owns the run.
    pub(super) epoch: u64,
}

/// A running run, owned by a node from its creation.
pub(super) async fn running(h: &Harness) -> Scene {
    let tenant = tenant(h).await;
    let node = node(h).await;
    running_for(h, &tenant, node).await
}

/// The same for a given tenant and node, in a thread of its own.
pub(super) async fn running_for(h: &Harness, tenant: &Tenant, node: NodeId) -> Scene {
    let thread = thread(h, tenant).await;
    let mut new = new_run(tenant, thread);
    new.owner = Some(node);
    let run = new.run_id;
    let created = create(h, new).await;
    Scene {
        tenant: tenant.clone(),
        thread,
        node,
        run,
        epoch: created.epoch,
    }
}

/// A run that waits for input and that nobody owns.
pub(super) async fn waiting(h: &Harness) -> Scene {
    let scene = running(h).await;
    let wait = Projection {
        status: Some(RunStatus::WaitingForInput),
        release: Some(Wake::Never),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("run.waiting_for_input")], wait)).await;
    scene
}

impl Scene {
    pub(super) fn deltas(&self, count: usize) -> Change {
        let delta = |n| text_event("message.delta", &format!(r#"{{"content":"w{n}"}}"#));
        Change {
            org_id: self.tenant.org,
            run_id: self.run,
            epoch: self.epoch,
            expect_status: None,
            events: (0..count).map(delta).collect(),
            projection: None,
        }
    }

    pub(super) fn change(&self, events: Vec<EncodedEvent>, projection: Projection) -> Change {
        Change {
            events,
            projection: Some(Box::new(projection)),
            ..self.deltas(0)
        }
    }

    pub(super) fn completion(&self) -> Change {
        self.change(vec![event("run.completed")], ended(RunStatus::Completed))
    }

    /// An intent on a run that is expected to be running.
    pub(super) fn intent(&self, event_type: &str, projection: Projection) -> Intent {
        Intent {
            org_id: self.tenant.org,
            run_id: self.run,
            expect_status: RunStatus::Running,
            expect_seq: None,
            events: vec![event(event_type)],
            projection,
        }
    }

    /// Asks a running run to end.
    pub(super) fn cancel(&self) -> Intent {
        let projection = Projection {
            status: Some(RunStatus::Cancelling),
            ..Projection::default()
        };
        self.intent("run.cancel_requested", projection)
    }

    /// Answers a waiting run, which is to be claimed.
    pub(super) fn answer(&self) -> Intent {
        let projection = Projection {
            status: Some(RunStatus::Running),
            release: Some(Wake::Now),
            ..Projection::default()
        };
        Intent {
            expect_status: RunStatus::WaitingForInput,
            ..self.intent("run.input_received", projection)
        }
    }

    pub(super) async fn head(&self, h: &Harness) -> RunHead {
        let head = h.store().head(self.tenant.org, self.run).await.unwrap();
        head.expect("the run is there")
    }

    /// The types of all the run's events, after checking that their seqs are dense.
    pub(super) async fn types(&self, h: &Harness) -> Vec<String> {
        types(h.store(), self.tenant.org, self.run).await
    }
}

/// The types of all events of a run, after checking that their seqs are dense from 1 and that
/// the run's row agrees.
pub(super) async fn types(store: &dyn Store, org: OrgId, run: RunId) -> Vec<String> {
    let events = store.events(org, run, 0, 100_000).await.unwrap();
    let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
    let dense: Vec<u64> = (1..=events.len() as u64).collect();
    assert_eq!(seqs, dense, "seq is dense from 1");
    events.into_iter().map(|e| e.event.event_type).collect()
}

/// What a terminal event brings with it.
pub(super) fn ended(status: RunStatus) -> Projection {
    Projection {
        status: Some(status),
        end: Some(RunEnd {
            at: now(),
            credits: 3,
            error_class: None,
            error_message: None,
        }),
        ..Projection::default()
    }
}

pub(super) fn event(event_type: &str) -> EncodedEvent {
    text_event(event_type, "{}")
}

pub(super) fn text_event(event_type: &str, data: &str) -> EncodedEvent {
    EncodedEvent {
        event_type: event_type.to_owned(),
        data: data.to_owned(),
        private: None,
        created_at: now(),
    }
}

pub(super) fn answer_message(content: &str) -> NewMessage {
    NewMessage {
        message_id: MessageId::generate(now()),
        body: MessageBody::Assistant {
            content: content.to_owned(),
            tool_calls: Vec::new(),
            provider: None,
        },
        created_at: now(),
    }
}

pub(super) fn call(step: u32, attempt: u32) -> ModelCall {
    ModelCall {
        step,
        attempt,
        route_id: "main".to_owned(),
        model: "model-1".to_owned(),
        usage: Usage {
            tokens: TokenBuckets {
                uncached_input_tokens: 100,
                cache_read_tokens: 20,
                cache_write_tokens: 3,
                output_tokens: 4,
            },
            source: UsageSource::Reported,
        },
        cost: NanoUsd::from_nanos(1_234_567),
        multiplier: Multiplier::default(),
    }
}

pub(super) async fn append(h: &Harness, change: Change) -> Appended {
    let mut answers = h.store().append(vec![change]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// Appends what must be committed, and returns the seq before.
pub(super) async fn append_ok(h: &Harness, change: Change) -> u64 {
    match append(h, change).await {
        Appended::Committed { base } => base,
        other => panic!("the change was not committed: {other:?}"),
    }
}

pub(super) fn idempotency(tenant: &Tenant, operation: &str) -> Idempotency {
    Idempotency {
        principal: tenant.user.to_string(),
        operation: operation.to_owned(),
        key: format!("key-{}", TraceId::generate()),
        body_hash: [1; 32],
        answer: StoredAnswer {
            status: 201,
            body: r#"{"ok":true}"#.to_owned(),
        },
    }
}

/// What a call that must have happened now has come to.
#[track_caller]
pub(super) fn done<T: std::fmt::Debug>(once: Once<T>) -> T {
    match once {
        Once::Done(value) => value,
        other => panic!("the call did not happen: {other:?}"),
    }
}

pub(super) const fn first_page(limit: u32) -> Page {
    Page {
        limit,
        before: None,
    }
}

/// The page after one that wasn't the last.
#[track_caller]
pub(super) fn next_page<T>(page: &Paged<T>, limit: u32) -> Page {
    let next: Option<PageKey> = page.next;
    assert!(next.is_some(), "there is another page");
    Page {
        limit,
        before: next,
    }
}
