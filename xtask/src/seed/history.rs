//! Threads and their runs, one after the other.

use super::PastClock;
use super::people::People;
use super::scenario::Scenario;
use crate::process::Interrupt;
use anyhow::{Context, Result, bail};
use runloom_domain::{Clock, RunId, ThreadId, TraceId, UserId};
use runloom_engine::live::Watch;
use runloom_engine::{Engine, GiveInput, GivenAnswer, StartRun, WatchRun};
use runloom_store::NewThread;
use runloom_store_sql::Database;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Runs in a thread before the next one is begun.
const RUNS_A_THREAD: usize = 4;
/// A scripted run that takes longer than this doesn't end.
const LIMIT: Duration = Duration::from_secs(20);

/// What a history is written with.
pub(super) struct History<'a> {
    pub(super) engine: &'a Engine,
    pub(super) database: &'a Arc<dyn Database>,
    pub(super) clock: &'a PastClock,
    pub(super) people: &'a People,
}

impl History<'_> {
    /// Makes `runs` runs over `time` and counts them by how they ended.
    pub(super) async fn write(
        &self,
        interrupt: &Interrupt,
        runs: usize,
        time: Duration,
    ) -> Result<BTreeMap<String, usize>> {
        let pause = time / u32::try_from(runs.max(1)).context("too many runs")?;
        let mut counts = BTreeMap::new();
        let mut thread = None;
        for number in 0..runs {
            interrupt.check()?;
            self.clock.advance(pause);
            let user = self.people.users[number / RUNS_A_THREAD % self.people.users.len()];
            let thread_id = match thread {
                Some(thread) if number % RUNS_A_THREAD != 0 => thread,
                _ => *thread.insert(self.thread(user, number / RUNS_A_THREAD + 1).await?),
            };
            let ended = self.run(user, thread_id, Scenario::of(number));
            let status = tokio::time::timeout(LIMIT, ended)
                .await
                .with_context(|| format!("run {number} doesn't end"))??;
            *counts.entry(status).or_default() += 1;
        }
        Ok(counts)
    }

    async fn thread(&self, user: UserId, number: usize) -> Result<ThreadId> {
        let now = self.clock.now();
        let thread_id = ThreadId::generate(now);
        let mut thread = NewThread::untitled(self.people.org, thread_id, user, now);
        thread.title = Some(format!("Conversation {number}"));
        self.database
            .create_thread(thread, None)
            .await
            .context("can't make a thread")?;
        Ok(thread_id)
    }

    /// One run to its end; returns how it ended.
    async fn run(&self, user: UserId, thread: ThreadId, scenario: Scenario) -> Result<String> {
        let org = self.people.org;
        let run = RunId::generate(self.clock.now());
        let mut start = StartRun::new(org, user, thread, run, TraceId::generate());
        start.route_id = Some(scenario.name().to_owned());
        start.input = Some(scenario.input().to_owned());
        self.engine.start_run(start).await?;
        let watch = WatchRun {
            org_id: org,
            run_id: run,
            after: 0,
            follow: true,
        };
        let mut watch = self.engine.watch(watch).await?;
        match scenario {
            Scenario::Answer | Scenario::Calculate | Scenario::Fail => {}
            Scenario::Ask => {
                until(&mut watch, "run.waiting_for_input").await?;
                let answer = GiveInput {
                    org_id: org,
                    user_id: user,
                    run_id: run,
                    answers: vec![GivenAnswer {
                        request_id: None,
                        content: "Q2".to_owned(),
                    }],
                };
                self.engine.give_input(answer).await?;
            }
            Scenario::Endless => {
                until(&mut watch, "message.delta").await?;
                self.engine.cancel_run(org, run, user).await?;
            }
        }
        while let Some(frame) = watch.next().await {
            frame.context("can't follow the run")?;
        }
        let record = self.database.run(org, run).await?;
        let record = record.context("the run is not there")?;
        Ok(record.status.to_string())
    }
}

/// Reads a run's events up to the first of this type.
async fn until(watch: &mut Watch, event_type: &str) -> Result<()> {
    while let Some(frame) = watch.next().await {
        if *frame.context("can't follow the run")?.event_type == *event_type {
            return Ok(());
        }
    }
    bail!("the run ended without {event_type}");
}
