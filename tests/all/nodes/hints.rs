//! What a node does comes to those who watch on another: at once when nodes hear each other,
//! and within 2 s when they don't.

use std::future::ready;
use std::time::{Duration, Instant};

use runloom_tests::Setup;
use serde_json::json;

use super::watch::{SESSION, WITH_HINTS, WITHOUT_HINTS, arrivals, lag, slowest, two};

/// Plants the bug that hints are never told.
fn deaf(setup: Setup) -> Setup {
    setup.variable("RUNLOOM_PLANTED_BUG", "deaf")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_at_once_from_the_other_node() {
    let (first, second) = two(|setup| setup).await;
    let lag = lag(&first, &second, ready(())).await;
    assert!(lag < WITH_HINTS, "{lag:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_within_two_seconds_without_hints() {
    let (first, second) = two(deaf).await;
    let lag = lag(&first, &second, ready(())).await;
    assert!(lag < WITHOUT_HINTS, "{lag:?}");
}

/// A run that waits is nobody's. Its answer is given on one node and either may go on with it;
/// who watches on the other one sees it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_changes_hands_is_followed_on_both() {
    for (is_deaf, within) in [(false, WITH_HINTS), (true, WITHOUT_HINTS)] {
        let (first, second) = two(|setup| if is_deaf { deaf(setup) } else { setup }).await;
        let client = first.client();
        let other = client.at(second.base());
        for _ in 0..3 {
            let run = client.run(&json!({ "route_id": "ask" })).await;
            let mut streams = [client.events(&run, "").await, other.events(&run, "").await];
            for stream in &mut streams {
                stream.until("run.waiting_for_input").await;
            }
            let answer = json!({ "content": "yes" });
            other.input(&run, &answer).await.expect(200);
            let [here, there] = streams.map(arrivals);
            let (here, there) = tokio::join!(here, there);
            let late = slowest(&here, &there).max(slowest(&there, &here));
            assert!(late < within, "deaf: {is_deaf}: {late:?}");
        }
    }
}

/// The connection that carries hints breaks and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_for_hints_is_made_again() {
    let (first, second) = two(|setup| setup).await;
    let broken = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let ended = first.data().end_sessions(SESSION).await;
        assert_eq!(ended, 2, "each node has one");
    };
    let late = lag(&first, &second, broken).await;
    assert!(late < WITHOUT_HINTS, "{late:?}");
    let connected = || async { first.data().sessions(SESSION).await };
    let since = Instant::now();
    while connected().await < 2 {
        assert!(since.elapsed() < Duration::from_secs(5), "it stays broken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITH_HINTS, "{late:?}");
}
