//! Nodes that wake each other over NATS, which may be away, come back, freeze, or want to know
//! who they are.

use std::future::ready;
use std::path::Path;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use runloom_tests::{Nats, Setup, Store};
use rustix::process::Signal;
use serde_json::json;

use super::is_long;
use super::watch::{SESSION, WITH_HINTS, WITHOUT_HINTS, lag, two};

fn over(nats: &Nats) -> impl FnOnce(Setup) -> Setup {
    let url = format!("nats://{}", nats.address());
    move |setup| setup.variable("RUNLOOM_NATS_URL", &url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_at_once_from_the_other_node() {
    let nats = Nats::start(&[]).await;
    let (first, second) = two(over(&nats)).await;
    nats.joined(2).await;
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITH_HINTS, "{late:?}");
    let sessions = first.data().sessions(SESSION).await;
    assert_eq!(sessions, 0, "the database is left alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_delays_and_one_that_comes_back_is_used() {
    let mut nats = Nats::start(&[]).await;
    let (first, second) = two(over(&nats)).await;
    nats.joined(2).await;
    let killed = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        nats.kill().await;
    };
    let late = lag(&first, &second, killed).await;
    assert!(late < WITHOUT_HINTS, "{late:?}");
    let (gone, away) = (Instant::now(), if is_long() { 60 } else { 10 });
    while gone.elapsed() < Duration::from_secs(away) {
        let asked = Instant::now();
        first.client().run(&json!({ "route_id": "ask" })).await;
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(3), "a creation took {took:?}");
        let late = lag(&first, &second, ready(())).await;
        assert!(late < WITHOUT_HINTS, "{late:?}");
    }
    nats.again().await;
    nats.joined(2).await;
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITH_HINTS, "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_start_without_it_and_use_it_once_it_is_there() {
    let mut nats = Nats::absent(&[]);
    let (first, second) = two(over(&nats)).await;
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITHOUT_HINTS, "{late:?}");
    nats.again().await;
    nats.joined(2).await;
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITH_HINTS, "{late:?}");
}

/// A connection to a frozen server takes bytes until its buffers are full; nobody waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_holds_nothing_up() {
    let nats = Nats::start(&[]).await;
    let (first, second) = two(over(&nats)).await;
    nats.joined(2).await;
    nats.signal(Signal::STOP);
    let asked = Instant::now();
    first.client().run(&json!({ "route_id": "ask" })).await;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(1), "a creation took {took:?}");
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITHOUT_HINTS, "{late:?}");
    nats.signal(Signal::CONT);
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITH_HINTS, "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_may_want_a_password_and_be_spoken_to_by_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let [certificate, key] = certificate(folder.path());
    let nats = Nats::start(&[
        "--user",
        "ada",
        "--pass",
        "countess",
        "--tls",
        "--tlscert",
        &certificate,
        "--tlskey",
        &key,
    ])
    .await;
    let url = format!("tls://ada:countess@{}", nats.address());
    let (first, second) = two(|setup| {
        let setup = setup.variable("RUNLOOM_NATS_URL", &url);
        let setup = setup.variable("RUNLOOM_LOG", "trace");
        setup.variable("RUNLOOM_NATS_CA_FILE", &certificate)
    })
    .await;
    nats.joined(2).await;
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITH_HINTS, "{late:?}");
    assert!(!first.log().concat().contains("countess"), "the log tells");
}

/// A certificate for 127.0.0.1 and its key, as files in PEM.
fn certificate(folder: &Path) -> [String; 2] {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let files = [
        ("cert.pem", cert.pem()),
        ("key.pem", signing_key.serialize_pem()),
    ];
    files.map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("the folder is writable");
        path.to_str().expect("UTF-8").to_owned()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_said_once_and_delays_only() {
    let nats = Nats::start(&["--user", "ada", "--pass", "countess"]).await;
    let url = format!("nats://ada:wrong@{}", nats.address());
    let (first, second) = two(|setup| setup.variable("RUNLOOM_NATS_URL", &url)).await;
    let late = lag(&first, &second, ready(())).await;
    assert!(late < WITHOUT_HINTS, "{late:?}");
    let log = first.log();
    let said = log
        .iter()
        .filter(|line| line.contains("NATS can't be used"));
    assert_eq!(said.count(), 1, "{log:#?}");
    assert!(!log.concat().contains("wrong@"), "{log:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_cannot_work_are_refused() {
    let at = |store| Setup::new(store).variable("RUNLOOM_NATS_URL", "nats://127.0.0.1:1");
    for (setup, reason) in [
        (at(Store::Sqlite), "RUNLOOM_NATS_URL"),
        (
            at(Store::Postgres).variable("RUNLOOM_NATS_URL", "http://ada:secret@127.0.0.1"),
            "server 1 of the list",
        ),
        (
            at(Store::Postgres).variable("RUNLOOM_NATS_CREDENTIALS_FILE", "/nowhere"),
            "can't read /nowhere",
        ),
        (
            at(Store::Postgres).variable("RUNLOOM_NATS_KEY_FILE", "key.pem"),
            "RUNLOOM_NATS_CERTIFICATE_FILE",
        ),
    ] {
        let ended = setup.try_start().await.expect_err("it does not start");
        let said = ended.stderr.join("\n");
        assert!(said.contains(reason), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}
