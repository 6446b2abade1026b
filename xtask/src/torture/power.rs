//! The profile `power`: one server, on SQLite and then on PostgreSQL, whose disk loses its power
//! again and again. What a client was told before must be there afterwards.

mod disk;

use super::check::{Violation, check_kept};
use super::crowd::Crowd;
use super::nemesis::Done;
use super::provider::Provider;
use super::random::Random;
use super::report::Report;
use super::schedule::Header;
use super::seen::{Notes, Outcome, Request};
use super::views::{Event, Run, Views};
use super::world::{Node, Plan, bad_lines, settings};
use crate::parts::postgres::{self, Cluster, Durability};
use crate::process::{self, Interrupt};
use anyhow::{Context as _, Result};
use disk::Disk;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLIENTS: usize = 6;
/// Room for both stores, and for PostgreSQL's log of writes.
const DISK_MIB: u64 = 512;
/// Between two cuts.
const WORK_MS: std::ops::RangeInclusive<u64> = 1_500..=6_000;
/// Within this all runs must have ended after the last cut.
const LIMIT: Duration = Duration::from_mins(1);

/// A server on a disk whose power can be cut.
struct Machine {
    // Dropped in this order.
    node: Node,
    cluster: Option<Cluster>,
    disk: Disk,
    provider: Provider,
    notes: Arc<Notes>,
}

/// Half of the time is SQLite's, half PostgreSQL's; a planted bug is one of SQLite.
pub(crate) async fn run(interrupt: &Interrupt, plan: &Plan<'_>, header: &Header) -> Result<Report> {
    let half = Duration::from_secs(header.minutes * 30);
    let mut all = Report::default();
    let stores = match header.planted_bug {
        Some(_) => &["sqlite"][..],
        None => &["sqlite", "postgres"],
    };
    for store in stores {
        process::step(&format!("power cuts under {store}"));
        let report = cut_again_and_again(interrupt, plan, header, store, half).await?;
        all.violations.extend(report.violations);
        let counts = report.counts.into_iter();
        all.counts
            .extend(counts.map(|(name, count)| (format!("{store}: {name}"), count)));
    }
    all.write(plan.folder)?;
    Ok(all)
}

async fn cut_again_and_again(
    interrupt: &Interrupt,
    plan: &Plan<'_>,
    header: &Header,
    store: &str,
    length: Duration,
) -> Result<Report> {
    let begin = Instant::now();
    let mut random = Random::of(header.seed, 2);
    let mut machine = Machine::start(interrupt, plan, store).await?;
    let (addresses, key) = (vec![machine.node.address()], machine.node.first_key()?);
    let notes = Arc::clone(&machine.notes);
    let mut crowd = Crowd::gather(CLIENTS, header.seed, addresses, &key, notes)?;
    crowd.work();
    let mut done = Done::default();
    while begin.elapsed() < length {
        let work = Duration::from_millis(random.within(WORK_MS));
        tokio::select! {
            () = tokio::time::sleep(work) => {}
            () = interrupt.wait() => interrupt.check()?,
        }
        let cut_ms = machine.notes.now_ms();
        machine.cut_power(interrupt).await?;
        done.times.push((cut_ms, machine.notes.now_ms()));
        *done.counts.entry("power cuts").or_default() += 1;
        crowd.say_progress(&done);
    }
    crowd.rest();
    let healed = Instant::now();
    while crowd.busy() > 0 && healed.elapsed() < LIMIT {
        interrupt.check()?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let busy = crowd.busy();
    crowd.replay(interrupt).await?;
    crowd.leave().await;
    let views = machine.views(&done)?;
    views
        .seen
        .write(&plan.folder.join(format!("{store}-observations.jsonl")))?;
    let mut report = Report::new(&views, &done, begin.elapsed());
    report.violations = check_kept(&views);
    if busy > 0 {
        report.violations.push(Violation {
            rule: "everything ends once it is healed",
            run: None,
            what: format!("{LIMIT:?} after the last power cut {busy} clients follow runs"),
        });
    }
    Ok(report)
}

impl Machine {
    async fn start(interrupt: &Interrupt, plan: &Plan<'_>, store: &str) -> Result<Self> {
        let notes = Arc::new(Notes::new(Instant::now()));
        let provider = Provider::start(Arc::clone(&notes))?;
        let config = plan.folder.join(format!("{store}.toml"));
        std::fs::write(&config, settings::toml(provider.port)).context("can't write settings")?;
        let disk = Disk::make(plan.folder, store, DISK_MIB).await?;
        let mut environment = settings::common(&config);
        if let Some(bug) = plan.planted_bug {
            environment.push(("RUNLOOM_PLANTED_BUG", bug.to_owned()));
        }
        let (cluster, data) = if store == "postgres" {
            let cluster = cluster_on(interrupt, disk.path()).await?;
            environment.push(("RUNLOOM_DATABASE_URL", cluster.url.clone()));
            // A node keeps nothing that it needs in its folder.
            (Some(cluster), plan.folder.join("postgres-node"))
        } else {
            (None, disk.path().join("data"))
        };
        let index = usize::from(store == "postgres");
        let node = Node::new(index, plan, environment)?;
        let mut node = node.with_data_in(data);
        node.start(interrupt, 0).await?;
        // Nobody was promised the empty database; what follows is.
        disk.sync().await?;
        Ok(Self {
            node,
            cluster,
            disk,
            provider,
            notes,
        })
    }

    /// kill -9 of everything that writes, and then only what the disk holds is left.
    async fn cut_power(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.node.notice_end().await;
        self.node.kill();
        if let Some(cluster) = &mut self.cluster {
            cluster.kill();
        }
        self.disk.cut_power().await?;
        if let Some(cluster) = &mut self.cluster {
            cluster.restart(interrupt).await?;
        }
        self.node.start(interrupt, 0).await
    }

    /// What the clients saw, and the logs as they are read now.
    fn views(&self, done: &Done) -> Result<Views> {
        let mut views = Views {
            seen: self.notes.with(|seen| seen.clone()),
            calls: self.provider.calls(),
            faults: done.times.clone(),
            bad_log_lines: self.node.complaints.clone(),
            ..Views::default()
        };
        views.runs = runs(&views);
        for log in self.node.logs() {
            views.bad_log_lines.extend(bad_lines(&log)?);
        }
        Ok(views)
    }
}

async fn cluster_on(interrupt: &Interrupt, disk: &Path) -> Result<Cluster> {
    let programs = postgres::binaries(interrupt).await?;
    let data = disk.join("data");
    Cluster::start_in(interrupt, &programs, Durability::Full, &data).await
}

/// The runs as their last replays tell them.
fn runs(views: &Views) -> BTreeMap<String, Run> {
    let mut runs = BTreeMap::new();
    for operation in &views.seen.operations {
        if let (Request::Create { name, .. }, Outcome::Answered { id: Some(id), .. }) =
            (&operation.request, &operation.outcome)
        {
            let mut of_run = views.seen.streams.iter().rev().filter(|it| it.run == *id);
            let Some(last) = of_run.next().filter(|it| !it.lines.is_empty()) else {
                continue;
            };
            let events: Vec<Event> = last
                .lines
                .iter()
                .map(|it| event(it.seq, &it.data))
                .collect();
            let run = Run {
                name: Some(name.clone()),
                status: events.last().map(status).unwrap_or_default(),
                last_seq: events.len() as u64,
                events,
                ..Run::default()
            };
            runs.insert(id.clone(), run);
        }
    }
    runs
}

fn status(last: &Event) -> String {
    let ended = last.is_terminal();
    let kind = if ended {
        last.kind.as_str()
    } else {
        "run.live"
    };
    kind.trim_start_matches("run.").to_owned()
}

fn event(seq: u64, line: &str) -> Event {
    let shown: Value = serde_json::from_str(line).unwrap_or_default();
    Event {
        seq,
        kind: shown["type"].as_str().unwrap_or_default().to_owned(),
        data: shown["data"].clone(),
        private: None,
        line: line.to_owned(),
    }
}
