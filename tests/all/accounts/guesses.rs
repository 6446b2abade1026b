//! Guessing passwords gets slower, and locks nobody out.

use std::net::IpAddr;
use std::time::Duration;

use runloom_tests::{Answer, Client, Setup, Store};
use serde_json::{Value, json};

use super::{PASSWORD, person};

/// Signs in from one of this machine's own addresses.
async fn login(base: &str, from: &str, login: &str, password: &str) -> Answer {
    let from: IpAddr = from.parse().expect("an address");
    let client = reqwest::Client::builder().no_proxy().local_address(from);
    let request = client
        .build()
        .expect("a client")
        .post(format!("{base}/v1/auth/login"))
        .json(&json!({ "login": login, "password": password }));
    Answer::read(request.send().await.expect("an answer")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guesser_waits_and_the_owner_does_not() {
    let node = Setup::new(Store::Sqlite).start().await;
    let (base, here, there) = (node.base(), "127.0.0.1", "127.0.0.2");
    let anonymous = Client::anonymous(base);
    anonymous
        .post("/v1/auth/register", &person("ada"))
        .await
        .expect(201);
    let mut answers = Vec::new();
    for name in ["ada", "nobody"] {
        let mut guesses = 0;
        let refused = loop {
            let answer = login(base, here, name, "a guess").await;
            if answer.status == 429 {
                break answer;
            }
            answer.expect_error(401, "auth.bad_credentials");
            guesses += 1;
        };
        // More than five only when the machine was slower than the first waits.
        assert!((5..10).contains(&guesses), "{guesses}");
        let wait: u64 = refused.header("retry-after").parse().expect("seconds");
        assert!((1..=32).contains(&wait), "{wait}");
        let mut error = refused.expect_error(429, "auth.too_many_attempts");
        error["trace_id"] = Value::Null;
        answers.push(error);
    }
    assert_eq!(
        answers[0], answers[1],
        "whether or not there is such a person"
    );
    login(base, there, "ada", PASSWORD).await.expect(200);
    // Here too, as soon as the wait is over.
    let mut answer = login(base, here, "ada", PASSWORD).await;
    while answer.status == 429 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = login(base, here, "ada", PASSWORD).await;
    }
    answer.expect(200);
}
