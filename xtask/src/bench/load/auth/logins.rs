//! How long wrong passwords and unknown names take to be refused, and other people's requests beside
//! many who sign in at once.

use crate::bench::compared::Compared;
use crate::bench::load::Target;
use crate::bench::load::result::{LoadResult, Times};
use crate::bench::load::wire::Connection;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Tries of each kind.
const TRIES: u16 = 200;

/// Who sign in at once.
const AT_ONCE: u16 = 200;

/// Between two requests of others.
const PAUSE: Duration = Duration::from_millis(5);

const LOGIN: &str = "/v1/auth/login";
const PASSWORD: &str = "a password that is long";

pub(super) async fn measure(target: &Target, result: &mut LoadResult) -> Result<()> {
    let mut connection = target.connect().await?;
    let person = json!({
        "login": "guessed", "email": "guessed@example.com", "password": PASSWORD,
    });
    let person = person.to_string();
    connection
        .call("POST", "/v1/auth/register", &person, 201)
        .await?;
    result.compared.push(refused(target).await?);
    beside_many(target, &mut connection, result).await
}

/// By turns, each try from an address of its own: who guesses from one waits.
async fn refused(target: &Target) -> Result<Compared> {
    let kinds = ["guessed", "nobody"];
    let mut times = [Times::new()?, Times::new()?];
    for attempt in 0..TRIES {
        for (kind, times) in times.iter_mut().enumerate() {
            let from = address(2 + kind as u8, attempt);
            let mut connection = Connection::open_from(from, target.address, "").await?;
            let body = login(kinds[kind], "not the password");
            let begin = Instant::now();
            connection.call("POST", LOGIN, &body, 401).await?;
            times.record(begin.elapsed());
        }
    }
    let [wrong, unknown] = times.map(|times| times.quantiles().p50);
    let figures = vec![("wrong".to_owned(), wrong), ("unknown".to_owned(), unknown)];
    Ok(Compared::new(
        "refuse a login, ms (p50)".to_owned(),
        figures,
    ))
}

/// Requests of somebody else while many sign in. Some of these are asked to come again, which is
/// what keeps the others fast.
async fn beside_many(
    target: &Target,
    connection: &mut Connection,
    result: &mut LoadResult,
) -> Result<()> {
    let mut others = Times::new()?;
    let mut alone = Times::new()?;
    for _ in 0..AT_ONCE {
        alone.record(one(connection).await?);
    }
    let mut logins = tokio::task::JoinSet::new();
    for number in 0..AT_ONCE {
        let address = target.address;
        logins.spawn_local(async move {
            let mut connection =
                Connection::open_from(self::address(4, number), address, "").await?;
            let head = connection
                .send("POST", LOGIN, &login("guessed", PASSWORD))
                .await?;
            anyhow::Ok(head.status)
        });
    }
    let mut signed_in = 0;
    while !logins.is_empty() {
        others.record(one(connection).await?);
        tokio::time::sleep(PAUSE).await;
        while let Some(login) = logins.try_join_next() {
            signed_in += u64::from(login.context("a login broke off")?? == 200);
        }
    }
    result.done += signed_in;
    result
        .latencies
        .insert("request_alone".to_owned(), alone.quantiles());
    result
        .latencies
        .insert("beside_logins".to_owned(), others.quantiles());
    Ok(())
}

async fn one(connection: &mut Connection) -> Result<Duration> {
    let begin = Instant::now();
    connection.call("GET", "/v1/runs?limit=10", "", 200).await?;
    Ok(begin.elapsed())
}

fn login(name: &str, password: &str) -> String {
    json!({ "login": name, "password": password }).to_string()
}

/// One of this machine's own addresses.
fn address(kind: u8, number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, kind, high, low.max(1))
}
