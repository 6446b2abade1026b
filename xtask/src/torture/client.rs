//! Clients: each makes one run after the other, follows it to its end, answers what it asks,
//! and writes down all that it sees.

mod api;
mod follow;
mod script;

pub(crate) use api::Api;
use follow::Follower;

use super::random::Random;
use super::seen::Request;
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;

/// What clients do at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// They make runs.
    Work,
    /// They only bring to an end what they have.
    Rest,
    /// They leave.
    End,
}

/// Runs that somebody follows.
pub(crate) type Busy = watch::Sender<usize>;

/// A client.
pub(crate) struct Client {
    api: Api,
    random: Random,
    phase: watch::Receiver<Phase>,
    busy: Busy,
    thread: Option<String>,
    made: u64,
}

impl Client {
    pub(crate) fn new(api: Api, seed: u64, phase: watch::Receiver<Phase>, busy: Busy) -> Self {
        let random = Random::of(seed, 1_000 + api.client as u64);
        Self {
            api,
            random,
            phase,
            busy,
            thread: None,
            made: 0,
        }
    }

    /// Works until it is told to leave, which ends whatever it is at.
    pub(crate) async fn live(mut self) {
        let mut leaving = self.phase.clone();
        tokio::select! {
            () = self.work() => {}
            // An error is the end of the driver.
            _ = leaving.wait_for(|&phase| phase == Phase::End) => {}
        }
    }

    async fn work(&mut self) {
        loop {
            if self
                .phase
                .wait_for(|&phase| phase == Phase::Work)
                .await
                .is_err()
            {
                return;
            }
            self.busy.send_modify(|busy| *busy += 1);
            self.one_run().await;
            self.busy.send_modify(|busy| *busy -= 1);
            if self.random.percent(20) {
                self.look_around().await;
            }
        }
    }

    async fn one_run(&mut self) {
        let Some(thread) = self.thread().await else {
            return;
        };
        self.made += 1;
        let name = format!("c{}-{}", self.api.client, self.made);
        let script = script::draw(name.clone(), &mut self.random);
        let persona = ["worker", "asker"][self.random.index(2)];
        let body = json!({ "on_busy": "enqueue", "persona_id": persona,
            "input": script.to_input() });
        let twins = self.random.percent(30);
        let Some(run) = self.create(&thread, &name, body, twins).await else {
            return;
        };
        let mut follower = Follower::new(&self.api, &run, self.random.draw());
        let again = self.random.percent(40);
        let reader = Follower::new(&self.api, &run, self.random.draw());
        let cancel_after = self
            .random
            .percent(20)
            .then(|| self.random.within(200..=9_000));
        let mut place = self.random.clone();
        let cancel = async {
            if let Some(millis) = cancel_after {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.api.cancel(&run, &mut place).await;
            }
        };
        let read_again = async {
            if again {
                reader.read_parts().await;
            }
        };
        tokio::join!(follower.follow(), read_again, cancel);
    }

    async fn thread(&mut self) -> Option<String> {
        if self.thread.is_none() || self.random.percent(60) {
            self.made += 1;
            let key = format!("t{}-{}", self.api.client, self.made);
            let body = json!({ "title": "torture" });
            let wanted = Request::Thread;
            let asked = self
                .api
                .insist(wanted, "/v1/threads", Some(&key), &body, &mut self.random);
            self.thread = asked
                .await
                .and_then(|outcome| outcome.id().map(str::to_owned));
        }
        self.thread.clone()
    }

    /// The run's id, once somebody has told it. Twins ask two nodes at once.
    async fn create(
        &mut self,
        thread: &str,
        name: &str,
        body: serde_json::Value,
        twins: bool,
    ) -> Option<String> {
        let path = format!("/v1/threads/{thread}/runs");
        let wanted = Request::Create {
            name: name.to_owned(),
            thread: thread.to_owned(),
        };
        let mut other = Random::new(self.random.draw());
        let first = self
            .api
            .insist(wanted.clone(), &path, Some(name), &body, &mut self.random);
        let second = async {
            if twins {
                return self
                    .api
                    .insist(wanted, &path, Some(name), &body, &mut other)
                    .await;
            }
            None
        };
        let (first, second) = tokio::join!(first, second);
        let outcomes = [first, second].into_iter().flatten();
        let mut told = outcomes.filter(super::seen::Outcome::is_success);
        told.find_map(|outcome| outcome.id().map(str::to_owned))
    }

    async fn look_around(&mut self) {
        let path = "/v1/runs?limit=20&status=running,waiting_for_input";
        self.api.look(Request::List, path, &mut self.random).await;
    }
}
