//! One run of the driver against nodes on PostgreSQL: clients and faults, then the comparison.

use super::check::{Violation, check};
use super::crowd::Crowd;
use super::nemesis::Nemesis;
use super::profile::Profile;
use super::report::{self, Report};
use super::schedule::{Schedule, Scheduled};
use super::seen::Notes;
use super::truth::Truth;
use super::views::Views;
use super::world::{Plan, World, bad_lines};
use crate::process::{self, Interrupt};
use anyhow::Result;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLIENTS: usize = 10;
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);
/// Between two events of a type that no version knows, in the profile `upgrade`.
const STRANGERS: Duration = Duration::from_secs(2);
/// Faults of the profile `liveness` last so long each time.
const ROUND: Duration = Duration::from_mins(1);
/// Within this everything must have ended once it is healed, where that is promised.
const LIVE: Duration = Duration::from_secs(45);
/// The same where only safety is looked at; a run that hasn't ended by then never does.
const PATIENT: Duration = Duration::from_mins(2);
/// From here on nobody answers a run that asks: the creation that made it had no answer.
const ORPHANED: Duration = Duration::from_secs(12);

/// A run of the driver under way.
struct Session {
    interrupt: Interrupt,
    world: Arc<World>,
    nemesis: Nemesis,
    begin: Instant,
    crowd: Crowd,
    /// Whether events of another version are written between those of the nodes.
    upgrade: bool,
    violations: Vec<Violation>,
}

/// Carries out a schedule and compares the views; the artefacts go into the plan's folder.
pub(crate) async fn run(
    interrupt: &Interrupt,
    plan: &Plan<'_>,
    schedule: &Schedule,
) -> Result<Report> {
    let begin = Instant::now();
    let notes = Arc::new(Notes::new(begin));
    process::step("starting PostgreSQL, NATS, the provider and the nodes");
    let world = World::start(interrupt, plan, Arc::clone(&notes)).await?;
    let world = Arc::new(world);
    let (addresses, key) = (world.addresses.clone(), &world.key);
    let crowd = Crowd::gather(CLIENTS, schedule.header.seed, addresses, key, notes)?;
    let mut session = Session {
        interrupt: interrupt.clone(),
        nemesis: Nemesis::new(Arc::clone(&world), interrupt.clone()),
        world,
        begin,
        crowd,
        upgrade: schedule.header.profile == Profile::Upgrade,
        violations: Vec::new(),
    };
    process::step("clients and faults");
    session.rounds(schedule).await?;
    process::step("comparing what clients saw, the ledgers and the database");
    let report = session.compare(plan).await?;
    report.write(plan.folder)?;
    Ok(report)
}

impl Session {
    /// Faults and healing, once, or again and again.
    async fn rounds(&mut self, schedule: &Schedule) -> Result<()> {
        let whole = Duration::from_secs(schedule.header.minutes * 60);
        if schedule.header.profile != Profile::Liveness {
            self.fault(&schedule.actions, whole).await?;
            return self.settle(PATIENT).await;
        }
        for round in rounds(schedule) {
            self.fault(&round, ROUND).await?;
            self.settle(LIVE).await?;
        }
        self.check_goals();
        Ok(())
    }

    async fn fault(&self, actions: &[Scheduled], length: Duration) -> Result<()> {
        self.crowd.work();
        let done = self.nemesis.carry_out(actions, length);
        tokio::pin!(done);
        let mut ticks = tokio::time::interval(PROGRESS);
        let mut strangers = tokio::time::interval(STRANGERS);
        loop {
            tokio::select! {
                done = &mut done => return done,
                _ = ticks.tick() => self.crowd.say_progress(&self.nemesis.done()),
                _ = strangers.tick(), if self.upgrade => {
                    let truth = Truth::connect(&self.world.database_url).await?;
                    truth.add_stranger().await?;
                }
            }
        }
    }

    /// Makes no more runs and waits for the end of all.
    async fn settle(&mut self, limit: Duration) -> Result<()> {
        self.crowd.rest();
        let healed = Instant::now();
        let api = self.crowd.visitor()?;
        let mut random = super::random::Random::new(0);
        let truth = Truth::connect(&self.world.database_url).await?;
        loop {
            self.interrupt.check()?;
            let live = truth.live().await?;
            let busy = self.crowd.busy();
            if live.is_empty() && busy == 0 {
                println!(
                    "all runs ended {:.1} s after healing",
                    healed.elapsed().as_secs_f64()
                );
                return Ok(());
            }
            if healed.elapsed() > limit {
                let what = format!("{limit:?} after healing {busy} clients follow runs: {live:?}");
                self.complain("everything ends once it is healed", what);
                return Ok(());
            }
            if healed.elapsed() > ORPHANED {
                for (run, _) in live
                    .iter()
                    .filter(|(_, status)| status == "waiting_for_input")
                {
                    api.cancel(run, &mut random).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn complain(&mut self, rule: &'static str, what: String) {
        self.violations.push(Violation {
            rule,
            run: None,
            what,
        });
    }

    fn check_goals(&mut self) {
        let (reached, all) = self.world.notes.with(|seen| {
            let reached = seen.goals.iter().filter(|goal| goal.reached).count();
            (reached, seen.goals.len())
        });
        println!("{reached} of {all} things that clients wanted were done");
        if reached * 100 < all * 95 {
            let what = format!("{reached} of {all}");
            self.complain("95 % of what clients want is done", what);
        }
    }

    async fn compare(mut self, plan: &Plan<'_>) -> Result<Report> {
        self.crowd.replay(&self.interrupt).await?;
        self.crowd.leave().await;
        let world = Arc::clone(&self.world);
        let done = self.nemesis.done();
        let mut views = Views {
            seen: world.notes.with(|seen| seen.clone()),
            calls: world.provider.calls(),
            effects: world.effects.all(),
            faults: done.times.clone(),
            ..Views::default()
        };
        let truth = Truth::connect(&world.database_url).await?;
        truth.read(&mut views).await?;
        for node in &world.nodes {
            let node = node.lock().await;
            views.bad_log_lines.extend(node.complaints.iter().cloned());
            for log in node.logs() {
                views.bad_log_lines.extend(bad_lines(&log)?);
            }
        }
        views.seen.write(&plan.folder.join("observations.jsonl"))?;
        if self.upgrade && report::strangers(&views) == 0 {
            self.complain(
                "events of other versions pass through",
                "none did".to_owned(),
            );
        }
        let mut report = Report::new(&views, &done, self.begin.elapsed());
        let swallowed = world.links.iter().map(super::proxy::Proxy::swallowed).sum();
        report.add("answers swallowed after commit", swallowed);
        report.violations = self.violations;
        report.violations.extend(check(&views));
        Ok(report)
    }
}

/// The actions of each minute, their times counted from its beginning. Healing takes its part
/// of the time.
fn rounds(schedule: &Schedule) -> Vec<Vec<Scheduled>> {
    let count = (schedule.header.minutes * 60 / 80).max(1);
    let length = ROUND.as_millis() as u64;
    let of = |round: u64| {
        let (begin, end) = (round * length, (round + 1) * length);
        let within = schedule.actions.iter();
        let within = within.filter(|it| (begin..end).contains(&it.at_ms));
        within
            .map(|it| Scheduled {
                at_ms: it.at_ms - begin,
                action: it.action.clone(),
            })
            .collect()
    };
    (0..count).map(of).collect()
}
