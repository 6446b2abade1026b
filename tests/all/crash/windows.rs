//! A kill in each window between two things that belong together.

use runloom_tests::{Store, both_stores};

use super::round::Round;
use super::{rounds, workload};

/// Kills at a failpoint, each round after some more passes through it.
async fn kills_at(store: Store, point: &str) {
    let mut node = workload::setup(store).start().await;
    for round in 0..rounds(20) {
        // A few passes are enough to meet other steps and other runs each time; after a claim
        // or between replay and follow there are only four in a round.
        let passes = match point {
            "after_claim" => 0,
            "after_create" | "between_replay_and_follow" => round % 4,
            "before_publish" => round * 7 % 60,
            _ => round % 8,
        };
        let failpoint = if passes == 0 {
            format!("{point}=return")
        } else {
            format!("{point}={passes}*off->return")
        };
        let stopped = node.terminate().await;
        node = stopped
            .restart_with(|setup| setup.variable("FAILPOINTS", &failpoint))
            .await;
        let under_way = Round::start(node, &format!("{point}-{round}")).await;
        node = under_way.dies().await.recover().await;
    }
}

both_stores! {
    async fn after_create(store: Store) {
        kills_at(store, "after_create").await;
    }

    async fn after_claim(store: Store) {
        kills_at(store, "after_claim").await;
    }

    async fn after_intent(store: Store) {
        kills_at(store, "after_intent").await;
    }

    async fn after_effect(store: Store) {
        kills_at(store, "after_effect").await;
    }

    async fn after_result(store: Store) {
        kills_at(store, "after_result").await;
    }

    async fn after_step_commit(store: Store) {
        kills_at(store, "after_step_commit").await;
    }

    async fn before_publish(store: Store) {
        kills_at(store, "before_publish").await;
    }

    async fn between_replay_and_follow(store: Store) {
        kills_at(store, "between_replay_and_follow").await;
    }
}
