//! How servers start, are shared, and end.

use std::time::{Duration, Instant};

use runloom_engine::port::tool::{Tool as _, ToolReply};
use runloom_tools::mcp::{Pool, PoolOptions};
use serde_json::json;

use crate::support::{
    call, context, faulty, file, gone, guard, kept, lives, pids, pool, starts, tool,
};

#[tokio::test(flavor = "multi_thread")]
async fn runs_share_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let count = file(&dir, "count");
    let pool = pool();
    let calls = (0..20).map(|number| {
        let server = pool.server(faulty("none", Some(&count)));
        async move {
            let said = call(&tool(&server, "echo").await, json!({"a": number})).await;
            assert_eq!(said.unwrap(), format!(r#"{{"a": {number}}}"#));
        }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(starts(&count), 1);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_server_and_what_it_started() {
    let pool = pool();
    let processes = pids(&pool.server(faulty("forks", None))).await;
    assert_eq!(processes.len(), 3, "{processes:?}");
    assert!(processes.iter().all(|pid| lives(*pid)));
    pool.shutdown().await;
    gone(&processes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_doesnt_want_to_end_is_ended_in_time() {
    let pool = pool();
    let mut processes = pids(&pool.server(faulty("ignores", None))).await;
    let mut other = faulty("ignores", None);
    other.id = "other".into();
    processes.extend(pids(&pool.server(other)).await);
    let start = Instant::now();
    pool.shutdown().await;
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    gone(&processes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_dropped_ends_its_servers() {
    let pool = pool();
    let processes = pids(&pool.server(faulty("forks", None))).await;
    drop(pool);
    gone(&processes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_of_a_server_that_dies_die_with_it() {
    let pool = pool();
    let processes = pids(&pool.server(faulty("forks", None))).await;
    let killed = std::process::Command::new("kill")
        .args(["-9", &processes[0].to_string()])
        .status();
    assert!(killed.unwrap().success());
    gone(&processes).await;
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_changes_is_another_server() {
    let pool = pool();
    let old = pids(&pool.server(faulty("none", None))).await;
    let mut changed = faulty("none", None);
    changed.trusted = true;
    let new = pids(&pool.server(changed)).await;
    assert_ne!(old, new);
    gone(&old).await;
    pool.forget("none");
    gone(&new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_connects_again_to_a_server_that_was_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let count = file(&dir, "count");
    let pool = pool();
    let forgotten = pool.server(faulty("none", Some(&count)));
    let echo = tool(&forgotten, "echo").await;
    let process = pids(&forgotten).await;
    assert!(pool.holds("none"));
    pool.forget("none");
    assert!(!pool.holds("none"));
    gone(&process).await;
    let error = call(&echo, json!({})).await.unwrap_err();
    assert_eq!(error.class, "tool.unavailable");

    let replaced = pool.server(faulty("none", Some(&count)));
    let process = pids(&replaced).await;
    let mut changed = faulty("none", Some(&count));
    changed.trusted = true;
    let new = pool.server(changed);
    gone(&process).await;
    assert!(replaced.catalog().await.is_err());
    pids(&new).await;
    assert_eq!(starts(&count), 3, "one for each description, and no more");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_that_its_tools_changed_is_named_once() {
    let pool = pool();
    let server = pool.server(faulty("changed", None));
    server.catalog().await.unwrap();
    let named = pool.changed().await;
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["changed"]);
    let more = tokio::time::timeout(Duration::from_millis(50), pool.changed());
    assert!(more.await.is_err(), "it has said so once");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_uses_makes_room() {
    let options = PoolOptions {
        connections: 1,
        ..PoolOptions::default()
    };
    let pool = Pool::new(guard(), options);
    let first = pids(&pool.server(faulty("none", None))).await;
    let second = pool.server(faulty("hang", None));
    pids(&second).await;
    gone(&first).await;
    let busy = tool(&second, "echo").await;
    let busy = tokio::spawn(async move { busy.call(context(), json!({})).await });
    // The call that never ends keeps its server.
    let until = Instant::now() + Duration::from_secs(10);
    let full = loop {
        if let Err(full) = pool.server(faulty("none", None)).catalog().await {
            break full.to_string();
        }
        // The call had not begun yet.
        assert!(Instant::now() < until, "a busy server made room");
        second.catalog().await.unwrap();
    };
    assert!(full.contains("too many servers"), "{full}");
    busy.abort();
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_reported_and_moves_the_deadline() {
    let pool = pool();
    let mut spec = faulty("progress", None);
    spec.limits.call = Duration::from_millis(900);
    let server = pool.server(spec.clone());
    let echo = tool(&server, "echo").await;
    let (progress, seen) = kept();
    let mut context = context();
    context.progress = progress;
    let reply = echo.call(context.clone(), json!({})).await.unwrap();
    assert_eq!(reply, ToolReply::Output("{}".into()));
    assert_eq!(seen.lock().unwrap().first(), Some(&1.0));

    spec.limits.longest = spec.limits.call;
    let server = pool.server(spec);
    let error = call(&tool(&server, "echo").await, json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.class, "tool.outcome_unknown");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_is_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let pool = pool();
    let server = pool.server(faulty("hang", Some(&file(&dir, "count"))));
    let echo = tool(&server, "echo").await;
    let call = tokio::time::timeout(Duration::from_millis(300), echo.call(context(), json!({})));
    assert!(call.await.is_err());
    let until = Instant::now() + Duration::from_secs(10);
    while !file(&dir, "count.cancelled").exists() {
        assert!(Instant::now() < until, "the server isn't told");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    pool.shutdown().await;
}

/// Where the process that is killed leaves word of its server.
const HOST: &str = "RUNLOOM_TEST_MCP_HOST";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_with_us_however_we_end() {
    if let Some(count) = std::env::var_os(HOST) {
        let pool = pool();
        pids(&pool.server(faulty("ignores", Some(count.as_ref())))).await;
        return std::future::pending().await;
    }
    let dir = tempfile::tempdir().unwrap();
    let count = file(&dir, "count");
    // This very test, as a process of its own.
    let mut host = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "life::a_server_ends_with_us_however_we_end"])
        .env(HOST, &count)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while starts(&count) == 0 {
        assert!(Instant::now() < until, "it doesn't start");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let server: u32 = std::fs::read_to_string(&count)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(lives(server));
    host.kill().unwrap();
    host.wait().unwrap();
    gone(&[server]).await;
}
