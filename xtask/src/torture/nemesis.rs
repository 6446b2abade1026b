//! Carries a schedule out.

use super::schedule::{Action, Scheduled};
use super::world::World;
use crate::process::Interrupt;
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often nodes are looked at that nobody does anything to.
const LOOK: Duration = Duration::from_millis(500);

/// What was done so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    pub(crate) counts: BTreeMap<&'static str, u64>,
    /// From and until, until everything was there again, in milliseconds since the driver's start.
    pub(crate) times: Vec<(u64, u64)>,
}

/// Does bad things to a world.
#[derive(Clone)]
pub(crate) struct Nemesis {
    world: Arc<World>,
    interrupt: Interrupt,
    done: Arc<Mutex<Done>>,
    /// True ends everything that lasts.
    healing: watch::Sender<bool>,
}

impl Nemesis {
    pub(crate) fn new(world: Arc<World>, interrupt: Interrupt) -> Self {
        Self {
            world,
            interrupt,
            done: Arc::default(),
            healing: watch::Sender::new(false),
        }
    }

    pub(crate) fn done(&self) -> Done {
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Carries out the actions, whose times count from now, for `length`, and then heals
    /// everything.
    pub(crate) async fn carry_out(&self, actions: &[Scheduled], length: Duration) -> Result<()> {
        let begin = Instant::now();
        self.healing.send_replace(false);
        let mut under_way = JoinSet::new();
        for scheduled in actions {
            let at = begin + Duration::from_millis(scheduled.at_ms);
            self.watch_until(at).await?;
            while let Some(ended) = under_way.try_join_next() {
                ended??;
            }
            let (nemesis, action) = (self.clone(), scheduled.action.clone());
            under_way.spawn(async move { nemesis.act(&action).await });
        }
        self.watch_until(begin + length).await?;
        self.healing.send_replace(true);
        while let Some(ended) = under_way.join_next().await {
            ended??;
        }
        self.world.heal(&self.interrupt).await
    }

    /// Waits, and meanwhile starts nodes again that have ended by themselves.
    async fn watch_until(&self, at: Instant) -> Result<()> {
        loop {
            let next = (Instant::now() + LOOK).min(at);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.interrupt.wait() => return self.interrupt.check(),
            }
            for node in &self.world.nodes {
                // A node that is locked is being dealt with.
                if let Ok(mut node) = node.try_lock()
                    && node.notice_end().await
                {
                    node.start(&self.interrupt, 0).await?;
                }
            }
            if Instant::now() >= at {
                return Ok(());
            }
        }
    }

    async fn act(&self, action: &Action) -> Result<()> {
        let begin = self.world.notes.now_ms();
        self.perform(action).await?;
        let end = self.world.notes.now_ms();
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done.counts.entry(action.name()).or_default() += 1;
        done.times.push((begin, end));
        Ok(())
    }

    async fn perform(&self, action: &Action) -> Result<()> {
        let interrupt = &self.interrupt;
        match *action {
            Action::Kill { node, down_ms } => {
                let mut node = self.world.nodes[node].lock().await;
                node.kill();
                self.last(down_ms).await;
                node.start(interrupt, 0).await
            }
            Action::Pause { node, for_ms } => {
                let mut node = self.world.nodes[node].lock().await;
                node.pause();
                self.last(for_ms).await;
                node.go_on();
                Ok(())
            }
            Action::Stop { node, down_ms } => {
                let mut node = self.world.nodes[node].lock().await;
                node.stop().await;
                self.last(down_ms).await;
                node.start(interrupt, 0).await
            }
            Action::Skew {
                node,
                seconds,
                for_ms,
            } => {
                let mut node = self.world.nodes[node].lock().await;
                node.stop().await;
                node.start(interrupt, seconds).await?;
                self.last(for_ms).await;
                node.stop().await;
                node.start(interrupt, 0).await
            }
            Action::KillDatabase { .. } | Action::PauseDatabase { .. } => {
                self.hit_database(action).await
            }
            Action::KillNats { .. } | Action::PauseNats { .. } => self.hit_nats(action).await,
            _ => {
                self.hit_link(action).await;
                Ok(())
            }
        }
    }

    async fn hit_database(&self, action: &Action) -> Result<()> {
        let mut database = self.world.database.lock().await;
        if matches!(action, Action::KillDatabase { .. }) {
            database.kill();
        } else {
            database.pause();
        }
        self.last(action.lasts_ms()).await;
        database.revive(&self.interrupt).await
    }

    async fn hit_nats(&self, action: &Action) -> Result<()> {
        let mut nats = self.world.nats.lock().await;
        if matches!(action, Action::KillNats { .. }) {
            nats.kill();
        } else {
            nats.pause();
        }
        self.last(action.lasts_ms()).await;
        nats.revive(&self.interrupt).await
    }

    async fn hit_link(&self, action: &Action) {
        let links = &self.world.links;
        match *action {
            Action::Delay { node, ms, for_ms } => {
                links[node].delay(Duration::from_millis(ms));
                self.last(for_ms).await;
                links[node].delay(Duration::ZERO);
            }
            Action::Hold { node, for_ms } => {
                links[node].hold(true);
                self.last(for_ms).await;
                links[node].hold(false);
            }
            Action::HoldNats { node, for_ms } => {
                self.world.nats_links[node].hold(true);
                self.last(for_ms).await;
                self.world.nats_links[node].hold(false);
            }
            Action::Cut { node } => links[node].cut(),
            Action::CutAfterCommit { node, times } => links[node].swallow(times),
            _ => {}
        }
    }

    /// Waits so long, or until everything is healed.
    async fn last(&self, millis: u64) {
        let mut healing = self.healing.subscribe();
        let healed = healing.wait_for(|&healing| healing);
        let _ = tokio::time::timeout(Duration::from_millis(millis), healed).await;
    }
}
