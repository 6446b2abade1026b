//! Few requests about something large, one after the other.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{DELTAS, create_run, create_thread, follow_run};
use super::wire::find;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Runs in the large thread.
const RUNS: usize = 30;
/// Times that a large run is read.
const REPLAYS: usize = 5;
/// Runs with a large result.
const RESULTS: usize = 20;
/// Bytes of such a result.
const RESULT: usize = 5 << 20;

#[derive(Deserialize)]
struct Message {
    id: String,
}

#[derive(Deserialize)]
struct Listed {
    role: String,
    tool_call_id: Option<String>,
}

/// Runs in a thread of many messages, then all its pages.
pub(super) async fn thread(target: &Target, thread: &str) -> Result<LoadResult> {
    let begin = Instant::now();
    let mut result = LoadResult::default();
    let (mut create, mut delta, mut page) = (Times::new()?, Times::new()?, Times::new()?);
    let mut connection = target.connect().await?;
    for _ in 0..RUNS {
        let begin = Instant::now();
        let run = create_run(&mut connection, thread, "fake-a").await?;
        create.record(begin.elapsed());
        let timing = follow_run(&mut connection, &run, begin, DELTAS).await?;
        delta.record(timing.first_delta);
        result.done += 1;
    }
    let (all, mut before) = (Instant::now(), String::new());
    loop {
        let path = format!("/v1/threads/{thread}/messages?limit=200{before}");
        let begin = Instant::now();
        let head = connection.send("GET", &path, "").await?;
        let mut body = Vec::new();
        while connection.read_body(&mut body).await? {}
        page.record(begin.elapsed());
        let messages: Vec<Message> = serde_json::from_slice(&body).context("no messages")?;
        ensure!(
            messages.iter().all(|message| !message.id.is_empty()),
            "a message without id"
        );
        match head.next_cursor {
            Some(cursor) => before = format!("&before={cursor}"),
            None => break,
        }
    }
    let mut pages = Times::new()?;
    pages.record(all.elapsed());
    Ok(finish(
        result,
        begin,
        [
            ("create", create),
            ("create_to_delta", delta),
            ("page", page),
            ("all_pages", pages),
        ],
    ))
}

/// All events of a long run and its second half, again and again.
pub(super) async fn replay(target: &Target, run: &str, last: u64) -> Result<LoadResult> {
    let begin = Instant::now();
    let mut result = LoadResult::default();
    let (mut whole, mut half) = (Times::new()?, Times::new()?);
    for _ in 0..REPLAYS {
        for (after, times) in [(0, &mut whole), (last / 2, &mut half)] {
            let begin = Instant::now();
            let mut connection = target.connect().await?;
            let mut events = Events::after(after);
            events.follow(&mut connection, run).await?;
            while events.seq < last {
                events.next(&mut connection).await?;
            }
            times.record(begin.elapsed());
            result.done += last - after;
        }
    }
    Ok(finish(
        result,
        begin,
        [("replay", whole), ("replay_half", half)],
    ))
}

/// Runs whose tool says 5 MiB, each result fetched whole.
pub(super) async fn results(target: &Target) -> Result<LoadResult> {
    let begin = Instant::now();
    let mut result = LoadResult::default();
    let (mut end, mut fetch) = (Times::new()?, Times::new()?);
    let mut connection = target.connect().await?;
    for _ in 0..RESULTS {
        let thread = create_thread(&mut connection).await?;
        let begin = Instant::now();
        let run = create_run(&mut connection, &thread, "big-result").await?;
        let mut events = Events::after(0);
        events.follow(&mut connection, &run).await?;
        while events.next(&mut connection).await? != Event::Completed {}
        events.finish(&mut connection).await?;
        end.record(begin.elapsed());

        let path = format!("/v1/threads/{thread}/messages?include=tools");
        let messages = connection.call("GET", &path, "", 200).await?;
        let messages: Vec<Listed> = serde_json::from_slice(&messages).context("no messages")?;
        let tool = messages.iter().find(|message| message.role == "tool");
        let call = tool.and_then(|message| message.tool_call_id.as_deref());
        let path = format!(
            "/v1/runs/{run}/tool-results/{}",
            call.context("no tool message")?
        );
        let begin = Instant::now();
        let body = connection.call("GET", &path, "", 200).await?;
        fetch.record(begin.elapsed());
        ensure!(
            body.len() > RESULT && find(&body, b"0123456789abcdef").is_some(),
            "{} bytes",
            body.len()
        );
        result.done += 1;
    }
    Ok(finish(
        result,
        begin,
        [("create_to_end", end), ("fetch", fetch)],
    ))
}

fn finish<const N: usize>(
    mut result: LoadResult,
    begin: Instant,
    times: [(&str, Times); N],
) -> LoadResult {
    let elapsed: Duration = begin.elapsed();
    result.seconds = elapsed.as_secs_f64();
    result.latencies = times
        .into_iter()
        .map(|(name, times)| (name.to_owned(), times.quantiles()))
        .collect();
    result
}
