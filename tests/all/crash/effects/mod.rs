//! What tools do elsewhere, held against the log after kill -9 in each of the four windows of a
//! call: before it is known that it begins, before it has its effect, before its result is known,
//! and after that.
//!
//! The effects are written down by a service that outlives the servers. Each seed is a kill, at
//! other moments of other runs, by the class that says what a repetition would mean.

mod person;
mod world;

use runloom_tests::both_stores;

use self::world::World;

const WINDOWS: [&str; 4] = [
    "before_intent",
    "after_intent",
    "after_effect",
    "after_result",
];

/// Kills in each window.
fn seeds() -> u64 {
    if std::env::var_os("RUNLOOM_TEST_LONG").is_some() {
        200
    } else {
        1
    }
}

async fn kills(store: runloom_tests::Store, class: &'static str) {
    let mut world = World::start(store, class).await;
    for (first, window) in (0..).step_by(5).zip(WINDOWS) {
        for seed in first..first + seeds() {
            world = world.killed(window, seed).await;
        }
    }
}

both_stores! {
    async fn pure(store: Store) {
        kills(store, "pure").await;
    }

    async fn keyed(store: Store) {
        kills(store, "keyed").await;
    }

    async fn once(store: Store) {
        kills(store, "once").await;
    }
}
