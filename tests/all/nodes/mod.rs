//! Two servers on one PostgreSQL: what one of them works on, the other takes requests about.

mod cut;
mod document;
mod hints;
mod nats;
mod outage;
mod rolling;
mod sessions;
mod stop;
mod taken_over;
mod watch;

use std::time::{Duration, Instant};

use runloom_tests::{MASTER_KEY, Node, Setup, Store, call, check_ended, script, text};
use serde_json::{Value, json};

/// Whether tests take the time that their faults have in the world.
fn is_long() -> bool {
    std::env::var_os("RUNLOOM_TEST_LONG").is_some()
}

/// Both servers, with the same routes: `ask`, which asks a person, and `held`, which never ends.
async fn two_nodes() -> (Node, Node) {
    let question = call("ask_user", json!({ "question": "?" }));
    let first = Setup::new(Store::Postgres)
        .scripted("ask", script([question, text("You said {last_tool}.")]))
        .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    let second = first.peer("second").await;
    (first, second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_cancelled_from_the_other_node() {
    let (first, second) = two_nodes().await;
    let client = first.client();
    let run = client.run(&json!({ "route_id": "held" })).await;
    let mut stream = client.events(&run, "").await;
    stream.until("message.delta").await;
    let asked = Instant::now();
    client.at(second.base()).cancel(&run).await.expect(200);
    stream.until("run.cancelled").await;
    let took = asked.elapsed();
    assert!(took < Duration::from_millis(1_500), "it took {took:?}");
    check_ended(&client.log(&run).await, "run.cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_once_whichever_node_is_told() {
    let (first, second) = two_nodes().await;
    let client = first.client();
    let other = client.at(second.base());
    for _ in 0..5 {
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "").await;
        stream.until("run.waiting_for_input").await;
        let [here, there] = ["here", "there"].map(|content| json!({ "content": content }));
        let (a, b) = tokio::join!(client.input(&run, &here), other.input(&run, &there));
        let winner = match (a.status, b.status) {
            (200, 409) => "here",
            (409, 200) => "there",
            both => panic!("{both:?}: {} {}", a.body, b.body),
        };
        let asked = Instant::now();
        while client.status(&run).await != "completed" {
            assert!(asked.elapsed() < Duration::from_secs(5), "it stands still");
        }
        let events = other.log(&run).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], format!("You said {winner}."));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_has_one_live_run_on_all_nodes() {
    let (first, second) = two_nodes().await;
    let client = first.client();
    let body = json!({ "route_id": "held" });
    for _ in 0..5 {
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let other = client.at(second.base());
        let (a, b) = tokio::join!(client.post(&path, &body), other.post(&path, &body));
        let (made, refused) = if a.status == 201 { (a, b) } else { (b, a) };
        let made = made.expect(201);
        let refused = refused.expect_error(409, "runs.thread_busy");
        assert_eq!(refused["details"]["run_id"], made["run_id"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twins_on_two_nodes_make_one_run() {
    let (first, second) = two_nodes().await;
    let client = first.client();
    let other = client.at(second.base());
    for round in 0..5 {
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let (key, body) = (format!("round-{round}"), json!({ "route_id": "held" }));
        let (a, b) = tokio::join!(
            client.post_once(&path, &key, &body),
            other.post_once(&path, &key, &body),
        );
        let mut made: Vec<Value> = Vec::new();
        for answer in [a, b] {
            if answer.status == 201 {
                made.push(answer.expect(201)["run_id"].clone());
            } else {
                answer.expect_error(409, "idempotency.in_progress");
            }
        }
        assert!(
            !made.is_empty() && made.iter().all(|run| *run == made[0]),
            "{made:?}"
        );
        let listed = client.get(&path).await.expect(200);
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        let again = other.post_once(&path, &key, &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201)["run_id"], made[0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_one_node_is_known_to_the_other() {
    let (first, second) = two_nodes().await;
    let ada = first.client().stranger("ada").await;
    let me = ada.get("/v1/me").await.expect(200);
    assert_eq!(ada.at(second.base()).get("/v1/me").await.expect(200), me);
}
