//! What row-level security costs: the same requests to one server while its tables have it and while
//! they haven't, by turns.

use super::compared::Compared;
use super::load::events::Event;
use super::load::wire::Connection;
use super::measure::Bench;
use super::pattern::Pattern;
use super::report::Measured;
use super::row::Row;
use anyhow::{Context as _, Result};
use rustix::process::Signal;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

/// Finished runs beside which it is measured.
const RUNS: &str = "10000";

/// Requests of a kind in a turn. The first of each turn plan the statements anew and don't count.
const REQUESTS: usize = 100;
const WARM_UP: usize = 20;

/// Each kind of requests, by its place in the figures.
const KINDS: [&str; 4] = ["create run", "list runs", "get run", "replay events"];

/// Two turns without it: how far they are apart is what the figures may be off.
const TURNS: [(&str, &str); 3] = [
    ("without", "DISABLE"),
    ("with", "ENABLE"),
    ("again", "DISABLE"),
];

impl Bench<'_> {
    pub(super) async fn wall(&self, row: &Row) -> Result<Measured> {
        let mut server = self.server().await?;
        let pattern = Pattern::make(&server, "fake-a", Event::Completed).await?;
        server.stop(Signal::TERM);
        self.fill(&server, &pattern, &["finished", RUNS]).await?;
        server.start_again(self.interrupt).await?;
        let database = server.database.as_ref().context("it needs PostgreSQL")?;
        let (session, connection) = tokio_postgres::connect(&database.url, NoTls).await?;
        tokio::spawn(connection);
        let mut connection = server.connect().await?;
        let mut times: [[Vec<f64>; TURNS.len()]; KINDS.len()] = Default::default();
        let end = Instant::now() + Duration::from_secs(self.seconds);
        while times[0][0].is_empty() || Instant::now() < end {
            for (turn, (_, how)) in TURNS.iter().enumerate() {
                self.interrupt.check()?;
                switch(&session, how).await?;
                for request in 0..WARM_UP + REQUESTS {
                    let took = once(&mut connection).await?;
                    if request >= WARM_UP {
                        for (kind, milliseconds) in took.into_iter().enumerate() {
                            times[kind][turn].push(milliseconds);
                        }
                    }
                }
            }
        }
        switch(&session, "ENABLE").await?;
        let mut measured = Measured::new(row.name());
        for (kind, mut of) in KINDS.iter().zip(times) {
            let medians = of.each_mut().map(|times| median(times));
            let names = TURNS.iter().map(|(name, _)| (*name).to_owned());
            let figures = names.zip(medians).collect();
            measured
                .compared
                .push(Compared::new(format!("{kind}, ms (p50)"), figures));
        }
        Ok(measured)
    }
}

/// Switches row-level security of all tables on or off; their policies stay.
async fn switch(session: &Client, how: &str) -> Result<()> {
    let sql = format!(
        "DO $$ DECLARE walled regclass; BEGIN
            FOR walled IN SELECT polrelid FROM pg_policy WHERE polname = 'wall'
            LOOP EXECUTE format('ALTER TABLE %s {how} ROW LEVEL SECURITY', walled); END LOOP;
        END $$"
    );
    Ok(session.batch_execute(&sql).await?)
}

/// One request of each kind, and how many milliseconds it took. The run has ended before it is
/// read.
async fn once(connection: &mut Connection) -> Result<[f64; KINDS.len()]> {
    let thread = connection.call("POST", "/v1/threads", "{}", 201).await?;
    let thread = field(&thread, "id")?;
    let begin = Instant::now();
    let path = format!("/v1/threads/{thread}/runs");
    let body = r#"{"route_id":"fake-a","input":"go"}"#;
    let run = connection.call("POST", &path, body, 201).await?;
    let create = milliseconds(begin);
    let run = field(&run, "run_id")?;
    let events = format!("/v1/runs/{run}/events");
    connection.call("GET", &events, "", 200).await?;
    let mut took = [create, 0.0, 0.0, 0.0];
    let reads = [
        "/v1/runs?limit=50".to_owned(),
        format!("/v1/runs/{run}"),
        format!("{events}?follow=0"),
    ];
    for (place, path) in reads.iter().enumerate() {
        let begin = Instant::now();
        connection.call("GET", path, "", 200).await?;
        took[place + 1] = milliseconds(begin);
    }
    Ok(took)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

fn field(body: &[u8], name: &str) -> Result<String> {
    let body: Value = serde_json::from_slice(body).context("no JSON")?;
    let text = body[name].as_str();
    Ok(text.with_context(|| format!("no {name}"))?.to_owned())
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
