use runloom_domain::event::{RunQueued, RunStarted};
use runloom_domain::{
    EventBody, EventPrivate, Limits, NewEvent, RunSpec, RunStatus, SpawnedBy, StoredEvent, ToolPin,
    Usage, common_url_patterns,
};
use runloom_store::{
    Content, CreateRun, CreatedRun, FirstEvent, Hint, NewRun, OnBusy, Once, ParentRun,
};

use serde_json::{Map, Value};

use super::{allowance, choose, prompt};
use crate::driver::Owned;
use crate::facade::{StartError, StartRun, StartedRun, WhenBusy};
use crate::machine::{Input, RunState};
use crate::{Engine, agents, fault};

/// What a run keeps of the configuration.
struct Frozen {
    spec: RunSpec,
    /// The definitions of its tools.
    contents: Vec<Content>,
    /// The run that spawns it.
    parent: Option<ParentRun>,
}

/// What a run that another one spawns gets of that one.
pub(crate) struct Child {
    pub(crate) parent: SpawnedBy,
    /// What people call its thread.
    pub(crate) title: Option<String>,
    /// The parent's tools.
    pub(crate) tools: Vec<ToolPin>,
    /// Which URLs the parent may reach.
    pub(crate) http_allow: Vec<String>,
    /// How far it may go at most.
    pub(crate) at_most: Limits,
}

impl Engine {
    /// Starts a run: checks what was asked for, freezes the configuration, and writes the run
    /// with its first event. It is durable when this returns; dropping the future does not
    /// take it back.
    pub async fn start_run(&self, start: StartRun) -> Result<StartedRun, StartError> {
        self.start_of(start, None).await
    }

    /// The same for a run that another one spawns: its thread is made with it.
    pub(crate) async fn start_child(
        &self,
        start: StartRun,
        child: Child,
    ) -> Result<StartedRun, StartError> {
        self.start_of(start, Some(child)).await
    }

    async fn start_of(
        &self,
        start: StartRun,
        child: Option<Child>,
    ) -> Result<StartedRun, StartError> {
        let frozen = match self.freeze(&start, child).await {
            Ok(frozen) => frozen,
            Err(refused) => return self.answered_before(&start, refused).await,
        };
        let engine = self.clone();
        let task = tokio::spawn(async move { engine.create(start, frozen).await });
        task.await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// What the request is answered with when its run can't be made now. It may repeat one that
    /// could: the configuration may have changed since, and the first answer still holds.
    async fn answered_before(
        &self,
        start: &StartRun,
        refused: StartError,
    ) -> Result<StartedRun, StartError> {
        let Some(once) = &start.once else {
            return Err(refused);
        };
        let store = &self.shared.parts.store;
        match store.kept_answer(start.org_id, once).await? {
            Some(Ok(answer)) => Ok(StartedRun::Replayed(answer)),
            Some(Err(conflict)) => Err(StartError::Key(conflict)),
            None => Err(refused),
        }
    }

    /// The configuration as the run will see it for its whole life.
    async fn freeze(&self, start: &StartRun, child: Option<Child>) -> Result<Frozen, StartError> {
        let catalog = &self.shared.parts.catalog;
        let (key, version) = choose::parse_persona(start.persona_id.as_deref());
        if key.is_some_and(|key| !choose::is_persona_name(key, version)) {
            return Err(StartError::NoPersona);
        }
        let persona = catalog.persona(start.org_id, key, version).await?;
        let persona = persona.ok_or(StartError::NoPersona)?;
        let entries = catalog.routes(start.org_id).await?;
        let metadata = metadata(start.metadata.as_deref());
        let asked = start.route_id.as_deref();
        let (route, fallbacks) = choose::choose_route(asked, &persona, &metadata, &entries)?;
        let (tools, contents) = if let Some(child) = &child {
            // Their definitions were stored with the parent.
            (agents::tools(&persona, &child.tools), Vec::new())
        } else {
            let tools = self.resolve_tools(start.org_id, &persona, &start.tools);
            tools.await?
        };
        let at_most = child.as_ref().map_or(Limits::UNLIMITED, |it| it.at_most);
        let spec = RunSpec {
            limits: persona.limits.tightened(start.limits)?.and(at_most),
            tools,
            http_allow: match &child {
                Some(child) => common_url_patterns(&persona.http_allow, &child.http_allow),
                None => persona.http_allow,
            },
            prompt: prompt::render(&persona.prompt, start.metadata.as_deref())?,
            persona: persona.id,
            route,
            fallbacks,
            generation: persona.generation,
            on_overflow: persona.on_overflow,
            credit_rate: self.shared.config.credit_rate,
            budgeted: false,
            history_until: 0,
            parent: child.as_ref().map(|child| child.parent),
        };
        Ok(Frozen {
            spec,
            contents,
            parent: child.map(|child| ParentRun {
                run_id: child.parent.run_id,
                thread_title: child.title,
            }),
        })
    }

    async fn create(&self, start: StartRun, frozen: Frozen) -> Result<StartedRun, StartError> {
        let (org, thread, when_busy) = (start.org_id, start.thread_id, start.when_busy);
        let (run_id, user) = (start.run_id, start.user_id);
        let new = self.new_run(start, frozen);
        let outcome = match self.shared.parts.store.create_run(new).await? {
            Once::Done(outcome) => outcome,
            Once::Replayed(answer) => return Ok(StartedRun::Replayed(answer)),
            Once::Conflict(conflict) => return Err(StartError::Key(conflict)),
        };
        fault::point("after_create");
        let created = match outcome {
            CreateRun::Created(created) => created,
            CreateRun::NoThread => return Err(StartError::NoThread),
            CreateRun::NoParent => return Err(StartError::NoParent),
            CreateRun::NoMessage => return Err(StartError::NoMessage),
            CreateRun::Busy(run) => return Err(StartError::Busy(run)),
            CreateRun::QueueFull => return Err(StartError::QueueFull),
            CreateRun::TooManyLive(scope) => return Err(StartError::TooManyLive(scope)),
            CreateRun::NoCredit => return Err(StartError::NoCredit),
            CreateRun::NoBudget(budget) => return Err(StartError::NoBudget(budget)),
        };
        self.shared
            .rings
            .publish(run_id, 0, std::slice::from_ref(&created.event));
        match created.first {
            FirstEvent::Started { .. } => {
                self.take_created(org, run_id, thread, &created);
                Ok(StartedRun::Created(RunStatus::Running))
            }
            FirstEvent::Queued { .. } => {
                self.worker.queued(thread);
                if when_busy == WhenBusy::Interrupt {
                    self.interrupt(org, thread, user, run_id).await?;
                }
                self.worker.wake();
                Ok(StartedRun::Created(RunStatus::Queued))
            }
        }
    }

    fn new_run(&self, start: StartRun, frozen: Frozen) -> NewRun {
        let Frozen {
            spec,
            contents,
            parent,
        } = frozen;
        let now = self.shared.parts.clock.now();
        let message_id = runloom_domain::MessageId::generate(now);
        NewRun {
            org_id: start.org_id,
            run_id: start.run_id,
            thread_id: start.thread_id,
            parent,
            created_by: start.user_id,
            api_key_id: start.api_key_id,
            trace_id: start.trace_id,
            created_at: now,
            persona_id: spec.persona.to_string(),
            route_id: spec.route.route_id.clone(),
            model: spec.route.model.clone(),
            metadata: start.metadata,
            input: start.input.map(|content| (message_id, content)),
            rewind: start.rewind,
            contents,
            on_busy: match start.when_busy {
                WhenBusy::Reject => OnBusy::Reject,
                WhenBusy::Enqueue | WhenBusy::Interrupt => OnBusy::Enqueue {
                    max_queued: self.shared.config.max_queued_per_thread,
                },
            },
            max_live_runs: self.shared.config.max_live_runs,
            allowance: allowance::allowance(&spec, &self.shared.config),
            owner: self.worker.may_adopt().then_some(self.shared.node),
            first_event: Box::new(move |first, budgeted| {
                let spec = RunSpec {
                    budgeted,
                    ..spec.clone()
                };
                first_event(start.run_id, start.thread_id, start.trace_id, spec, first).encode(now)
            }),
            once: start.once,
        }
    }

    /// Works on the new run, if this node owns it; else somebody claims it.
    fn take_created(
        &self,
        org_id: runloom_domain::OrgId,
        run_id: runloom_domain::RunId,
        thread_id: runloom_domain::ThreadId,
        created: &CreatedRun,
    ) {
        if created.epoch == 0 {
            self.worker.wake();
            return self.shared.teller.tell(&[Hint::Free]);
        }
        let stored = StoredEvent {
            seq: 1,
            event: created.event.clone(),
        };
        let state = stored
            .decode()
            .ok()
            .and_then(|event| RunState::begin(&event).ok());
        let Some(state) = state else {
            // Written a moment ago by this very code; if it can't be read, nobody can.
            tracing::error!(%run_id, "the run's first event can't be read");
            return;
        };
        let owned = Owned {
            org_id,
            run_id,
            thread_id,
            epoch: created.epoch,
            state,
            due: false,
            granted: created.granted,
        };
        let nothing = Usage::estimated(0, 0);
        let begin = Input::Claimed {
            attempts: 1,
            lost: None,
            thread_position: 0,
            cut_usage: nothing,
        };
        self.worker.adopt(owned, begin);
    }
}

/// The run's metadata, which the API takes as an object only.
fn metadata(text: Option<&str>) -> Map<String, Value> {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// How a run begins, in the log.
pub(crate) fn first_event(
    run_id: runloom_domain::RunId,
    thread_id: runloom_domain::ThreadId,
    trace_id: runloom_domain::TraceId,
    mut spec: RunSpec,
    first: FirstEvent,
) -> NewEvent {
    let body = match first {
        FirstEvent::Started { history_until } => {
            spec.history_until = history_until;
            EventBody::RunStarted(RunStarted {
                run_id,
                thread_id,
                route_id: spec.route.route_id.clone(),
                persona_id: spec.persona.to_string(),
                model: spec.route.model.clone(),
                trace_id,
                parent_run_id: spec.parent_run_id(),
            })
        }
        FirstEvent::Queued { behind } => EventBody::RunQueued(RunQueued {
            run_id,
            thread_id,
            behind_run_id: behind,
            trace_id,
            parent_run_id: spec.parent_run_id(),
        }),
    };
    NewEvent {
        body,
        private: Some(EventPrivate::Spec {
            spec: Box::new(spec),
        }),
    }
}
