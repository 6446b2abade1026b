//! Each fault fails its own call clearly, or not even that.

use std::time::{Duration, Instant};

use runloom_domain::ToolClass;
use serde_json::json;

use crate::support::{
    call, failure, faulty, file, gone, memory, pids, pool, starts, tool, with_class,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_at_once_says_so_and_is_not_started_in_a_loop() {
    let dir = tempfile::tempdir().unwrap();
    let count = file(&dir, "count");
    let pool = pool();
    let server = pool.server(faulty("exit", Some(&count)));
    let mut messages = Vec::new();
    for _ in 0..20 {
        messages.push(server.catalog().await.unwrap_err().to_string());
    }
    assert!(messages[0].contains("exit status: 3"), "{messages:?}");
    assert!(starts(&count) < 8, "{} starts", starts(&count));
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_never_ready_is_given_up() {
    let pool = pool();
    let mut spec = faulty("hang-start", None);
    spec.limits.start = Duration::from_millis(800);
    let server = pool.server(spec);
    let error = server.catalog().await.unwrap_err().to_string();
    assert!(error.contains("it was not ready after 0 s"), "{error}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_start_is_waited_for() {
    let pool = pool();
    let server = pool.server(faulty("slow", None));
    assert_eq!(
        call(&tool(&server, "echo").await, json!({"a": 1}))
            .await
            .unwrap(),
        r#"{"a": 1}"#
    );
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_an_answer_times_out_and_the_server_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let count = file(&dir, "count");
    let pool = pool();
    let mut spec = faulty("hang", Some(&count));
    spec.limits.call = Duration::from_millis(300);
    for (class, expected) in [
        (ToolClass::Pure, "tool.timeout"),
        (ToolClass::Keyed, "tool.timeout"),
        (ToolClass::Once, "tool.outcome_unknown"),
    ] {
        let server = pool.server(with_class(spec.clone(), class));
        let (class, message) = failure(&server).await;
        assert_eq!(class, expected, "{message}");
    }
    let server = pool.server(with_class(spec, ToolClass::Once));
    // The connection is as good as before.
    assert_eq!(pids(&server).await.len(), 1);
    let cancelled = std::fs::read_to_string(file(&dir, "count.cancelled")).unwrap();
    assert!(cancelled.contains("requestId"), "{cancelled}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_nobody_is_no_answer() {
    let pool = pool();
    let mut spec = faulty("wrong-id", None);
    spec.limits.call = Duration::from_millis(300);
    let (class, message) = failure(&pool.server(spec)).await;
    assert_eq!(class, "tool.outcome_unknown", "{message}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_endured() {
    let pool = pool();
    let server = pool.server(faulty("flood", None));
    let echo = tool(&server, "echo").await;
    let before = memory("VmRSS");
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        call(&echo, json!({"a": 1})).await.unwrap();
    }
    let grown = memory("VmHWM").saturating_sub(before);
    assert!(grown < 32, "{grown} MiB");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_an_end_ends_the_server_and_not_our_memory() {
    for fault in ["long-line", "huge"] {
        let pool = pool();
        let server = pool.server(faulty(fault, None));
        let process = pids(&server).await;
        let before = memory("VmRSS");
        let (class, message) = failure(&server).await;
        assert_eq!(class, "tool.outcome_unknown", "{message}");
        assert!(message.contains("more than 4194304 bytes"), "{message}");
        gone(&process).await;
        let grown = memory("VmHWM").saturating_sub(before);
        assert!(grown < 64, "{grown} MiB");
        assert_eq!(pids(&server).await.len(), 1, "it is started again");
        pool.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_is_skipped_up_to_a_bound() {
    let pool = pool();
    let server = pool.server(faulty("junk", None));
    call(&tool(&server, "echo").await, json!({})).await.unwrap();
    let server = pool.server(faulty("junk-endless", None));
    let (class, message) = failure(&server).await;
    assert_eq!(class, "tool.outcome_unknown", "{message}");
    assert!(message.contains("lines that are no messages"), "{message}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nests_too_deep_fails_its_call_alone() {
    let pool = pool();
    let server = pool.server(faulty("deep-answer", None));
    let process = pids(&server).await;
    let (class, message) = failure(&server).await;
    assert_eq!(class, "tool.failed", "{message}");
    assert_eq!(pids(&server).await, process);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_with_a_bad_schema_is_left_out_and_the_others_stay() {
    let pool = pool();
    let catalog = pool.server(faulty("cycle", None)).catalog().await.unwrap();
    let names: Vec<_> = catalog
        .tools
        .iter()
        .map(|info| info.tool.as_str())
        .collect();
    assert_eq!(names, ["echo", "pids"]);
    let refused: Vec<_> = catalog
        .refused
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(refused, ["cycle", "deep"]);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_became_another_is_not_called() {
    let pool = pool();
    let server = pool.server(faulty("changed", None));
    let known = server.catalog().await.unwrap().get("echo").unwrap().clone();
    // The server has told; the next call asks for the list again.
    let until = Instant::now() + Duration::from_secs(10);
    let error = loop {
        match call(&server.tool(known.clone()), json!({})).await {
            Err(error) => break error,
            Ok(_) => assert!(Instant::now() < until, "the change is never noticed"),
        }
    };
    assert_eq!(error.class, "tool.definition_changed");
    let now = server.known().unwrap().get("echo").unwrap().clone();
    call(&server.tool(now), json!({})).await.unwrap();
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_in_mid_call_is_an_unknown_outcome_only_for_what_must_not_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let pool = pool();
    let mut once = faulty("dies", Some(&file(&dir, "once")));
    once.id = "once".into();
    let (class, message) = failure(&pool.server(once)).await;
    assert_eq!(class, "tool.outcome_unknown", "{message}");
    assert!(message.contains("exit status: 3"), "{message}");
    assert_eq!(starts(&file(&dir, "once")), 1);

    let mut pure = with_class(faulty("dies", Some(&file(&dir, "pure"))), ToolClass::Pure);
    pure.id = "pure".into();
    let (class, message) = failure(&pool.server(pure)).await;
    assert_eq!(class, "tool.unavailable", "{message}");
    assert_eq!(starts(&file(&dir, "pure")), 2, "it is tried once more");

    let again = with_class(
        faulty("dies-once", Some(&file(&dir, "again"))),
        ToolClass::Keyed,
    );
    let server = pool.server(again);
    let said = call(&tool(&server, "echo").await, json!({"a": 1}))
        .await
        .unwrap();
    assert_eq!(said, r#"{"a": 1}"#);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_servers_death_is_not_anothers() {
    let pool = pool();
    let good = pool.server(faulty("none", None));
    let process = pids(&good).await;
    let bad = pool.server(faulty("dies", None));
    let bad_process = pids(&bad).await;
    failure(&bad).await;
    gone(&bad_process).await;
    assert_eq!(pids(&good).await, process);
    assert_ne!(pids(&bad).await, bad_process, "it is started again");
    pool.shutdown().await;
}
