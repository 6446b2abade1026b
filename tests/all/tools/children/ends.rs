//! Children end with their parent.

use std::time::{Duration, Instant};

use runloom_tests::{Client, Node, Setup, both_stores, call, check_log, count, script, text};
use serde_json::json;

use super::{children, leads, setup, told, wait, workers};

/// How long all of a family may take to end.
const ALL: Duration = Duration::from_secs(6);

/// Follows a family to its end: the run and all that descends from it, which is returned.
async fn all_end(client: &Client, run: &str) -> Vec<String> {
    let (mut all, mut open) = (Vec::new(), vec![run.to_owned()]);
    while let Some(next) = open.pop() {
        let events = client.follow(&next).await;
        check_log(&events);
        open.extend(children(client, &next).await);
        all.push(next);
    }
    all
}

async fn no_run_is_live(node: &Node, client: &Client, families: &[Vec<String>]) {
    let live = "/v1/runs?status=queued,running,waiting_for_input,cancelling";
    assert_eq!(client.get(live).await.expect(200), json!([]));
    for run in families.iter().flatten() {
        let path = format!("{live}&parent_run_id={run}");
        assert_eq!(client.get(&path).await.expect(200), json!([]));
    }
    assert_eq!(node.data().live_runs().await, 0);
}

/// Random moments that are the same each time.
fn moments(count: u64, below_ms: u64) -> impl Iterator<Item = Duration> {
    let next = |seed: &u64| {
        let seed = seed.wrapping_mul(6_364_136_223_846_793_005);
        Some(seed.wrapping_add(1_442_695_040_888_963_407))
    };
    let seeds = std::iter::successors(Some(5), next).skip(1);
    let all = seeds.map(move |seed| Duration::from_millis((seed >> 33) % below_ms));
    all.take(usize::try_from(count).expect("few"))
}

fn of_five(store: runloom_tests::Store) -> Setup {
    let work = script([
        call("calculator", json!({ "expression": "1+1" })),
        count(600, 50),
    ]);
    setup(store, "", leads(5), work)
}

both_stores! {
    async fn a_parent_is_cancelled_at_any_moment_and_all_six_end(store: Store) {
        let node = of_five(store).start().await;
        let client = node.client();
        let mut families = Vec::new();
        for moment in moments(20, 700) {
            let run = client.run(&json!({ "input": "go" })).await;
            // The pause is what is varied here; nothing is ordered by it.
            tokio::time::sleep(moment).await;
            let asked = Instant::now();
            client.cancel(&run).await.expect(200);
            let family = all_end(&client, &run).await;
            let took = asked.elapsed();
            assert!(took < ALL, "{} runs took {took:?} at {moment:?}", family.len());
            for child in &family[1..] {
                let events = client.log(child).await;
                let cancelled = events.last().expect("events");
                assert_eq!(cancelled.kind, "run.cancelled");
                assert_eq!(cancelled.data["reason"], "parent_ended");
            }
            families.push(family);
        }
        let whole = families.iter().filter(|family| family.len() == 6).count();
        assert!(whole > 0, "some moments are after the last child was spawned");
        no_run_is_live(&node, &client, &families).await;
    }

    async fn a_cancelled_grandparent_ends_all_below(store: Store) {
        let lead = script([workers(1), wait(), text("x")]);
        let boss = script([call("spawn_agent", json!({ "prompt": "x", "persona_id": "lead" })),
            call("spawn_agent", json!({ "prompt": "y", "persona_id": "lead" })), wait(), text("x")]);
        let node = setup(store, "", boss, script([count(600, 50)]))
            .scripted("middle", lead)
            .toml("[[personas]]\nkey = \"lead\"\nversion = \"2\"\nprompt = \"x\"\nroute_id = \"middle\"\n\
                tools = [\"spawn_agent\", \"wait_agents\"]\n")
            .toml("[[personas]]\nkey = \"top\"\nprompt = \"x\"\nroute_id = \"lead\"\n\
                tools = [\"*\"]\n").start().await;
        let client = node.client();
        let run = client.run(&json!({ "persona_id": "top" })).await;
        client.events(&run, "").await.until("tool.paused").await;
        for child in children(&client, &run).await {
            client.events(&child, "").await.until("tool.paused").await;
        }
        let asked = Instant::now();
        client.cancel(&run).await.expect(200);
        let family = all_end(&client, &run).await;
        assert!(asked.elapsed() < ALL, "{:?}", asked.elapsed());
        assert_eq!(family.len(), 5);
        no_run_is_live(&node, &client, &[family]).await;
    }

    async fn children_of_a_parent_that_does_not_wait_end_with_its_answer(store: Store) {
        let lead = script([workers(3), text("I don't care.")]);
        let node = setup(store, "", lead, script([count(600, 50)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.follow(&run).await;
        let ended = Instant::now();
        let family = all_end(&client, &run).await;
        assert!(ended.elapsed() < ALL, "{:?}", ended.elapsed());
        assert_eq!(family.len(), 4);
        no_run_is_live(&node, &client, &[family]).await;
    }

    async fn a_kill_between_a_creation_and_its_result_leaves_one_child(store: Store) {
        for passes in 1..=3 {
            let node = setup(store, "", leads(3), script([text("x")])).start().await;
            let client = node.client();
            let thread = client.thread().await;
            let failpoint = format!("after_create={passes}*off->return");
            let stopped = node.terminate().await;
            let node = stopped.restart_with(|setup| setup.variable("FAILPOINTS", &failpoint)).await;
            // Its own creation is the first pass.
            let run = client.at(node.base()).run_in(&thread, &json!({})).await;
            let stopped = node.stopped().await;
            assert!(!stopped.ended.status.success());
            let node = stopped.restart_with(|setup| setup.without("FAILPOINTS")).await;
            let client = client.at(node.base());
            let events = client.follow(&run).await;
            runloom_tests::check_ended(&events, "run.completed");
            assert_eq!(children(&client, &run).await.len(), 3);
            assert_eq!(told(&events).len(), 3);
        }
    }

    async fn orphans_of_a_killed_node_end(store: Store) {
        // Killed when the parent's end is committed, and nobody has been told.
        let lead = script([workers(3), text("done")]);
        let node = setup(store, "", lead, script([count(600, 50)])).start().await;
        let (client, failpoint) = (node.client(), "before_others_are_told=return");
        let thread = client.thread().await;
        let stopped = node.terminate().await;
        let node = stopped.restart_with(|setup| setup.variable("FAILPOINTS", failpoint)).await;
        let run = client.at(node.base()).run_in(&thread, &json!({})).await;
        let stopped = node.stopped().await;
        let node = stopped.restart_with(|setup| setup.without("FAILPOINTS")).await;
        let back = Instant::now();
        let client = client.at(node.base());
        let family = all_end(&client, &run).await;
        assert!(back.elapsed() < ALL, "{:?}", back.elapsed());
        no_run_is_live(&node, &client, &[family]).await;
    }
}
