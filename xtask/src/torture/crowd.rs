//! The clients together.

use super::client::{Api, Client, Phase};
use super::nemesis::Done;
use super::report::progress;
use super::seen::{Notes, Request};
use crate::process::Interrupt;
use anyhow::Result;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Clients of a few nodes. They leave when this is dropped.
pub(crate) struct Crowd {
    addresses: Vec<String>,
    key: String,
    notes: Arc<Notes>,
    phase: watch::Sender<Phase>,
    busy: watch::Sender<usize>,
    clients: JoinSet<()>,
    count: usize,
}

impl Crowd {
    /// So many clients, which rest at first.
    pub(crate) fn gather(
        count: usize,
        seed: u64,
        addresses: Vec<String>,
        key: &str,
        notes: Arc<Notes>,
    ) -> Result<Self> {
        let mut crowd = Self {
            addresses,
            key: key.to_owned(),
            notes,
            phase: watch::Sender::new(Phase::Rest),
            busy: watch::Sender::default(),
            clients: JoinSet::new(),
            count,
        };
        for number in 0..count {
            let api = crowd.api(number)?;
            let (phase, busy) = (crowd.phase.subscribe(), crowd.busy.clone());
            crowd
                .clients
                .spawn(Client::new(api, seed, phase, busy).live());
        }
        Ok(crowd)
    }

    fn api(&self, number: usize) -> Result<Api> {
        Api::new(number, &self.addresses, &self.key, Arc::clone(&self.notes))
    }

    /// Somebody who is none of the clients.
    pub(crate) fn visitor(&self) -> Result<Api> {
        self.api(self.count)
    }

    /// From here on they make runs.
    pub(crate) fn work(&self) {
        self.phase.send_replace(Phase::Work);
    }

    /// From here on they only bring to an end what they have.
    pub(crate) fn rest(&self) {
        self.phase.send_replace(Phase::Rest);
    }

    /// How many have a run that hasn't ended.
    pub(crate) fn busy(&self) -> usize {
        *self.busy.borrow()
    }

    /// Reads each run once more, from one node after the other, as anybody may later.
    pub(crate) async fn replay(&self, interrupt: &Interrupt) -> Result<()> {
        let api = self.visitor()?;
        for (index, run) in self.created().iter().enumerate() {
            interrupt.check()?;
            let stream = api.replay(index % api.nodes(), run).await;
            self.notes.with(|seen| seen.streams.push(stream));
        }
        Ok(())
    }

    /// The runs that clients were told of.
    pub(crate) fn created(&self) -> BTreeSet<String> {
        self.notes.with(|seen| {
            let created = seen.operations.iter().filter(|operation| {
                let creates = matches!(operation.request, Request::Create { .. });
                creates && operation.outcome.is_success()
            });
            let ids = created.filter_map(|it| it.outcome.id());
            ids.map(str::to_owned).collect()
        })
    }

    /// Tells them to leave, and waits until they have left.
    pub(crate) async fn leave(&mut self) {
        self.phase.send_replace(Phase::End);
        while self.clients.join_next().await.is_some() {}
    }

    pub(crate) fn say_progress(&self, done: &Done) {
        let now = self.notes.now_ms() / 1_000;
        let line = self
            .notes
            .with(|seen| progress(seen, done, self.busy(), now));
        println!("{line}");
    }
}
