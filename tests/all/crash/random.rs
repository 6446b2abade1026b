use std::time::Duration;

use runloom_tests::both_stores;

use super::round::Round;
use super::{rounds, workload};

/// The `n`-th moment, from 0 to 400 ms, the same each time.
fn moment(n: u64) -> Duration {
    let mixed = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Duration::from_millis((mixed >> 33) % 400)
}

both_stores! {
    async fn kills_at_random_moments(store: Store) {
        let mut node = workload::setup(store).start().await;
        for round in 0..rounds(50) {
            let under_way = Round::start(node, &format!("random-{round}")).await;
            // The pause is what is varied here; nothing is ordered by it.
            tokio::time::sleep(moment(round)).await;
            node = under_way.kill().await.recover().await;
        }
    }
}
