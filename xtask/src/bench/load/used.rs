//! An organisation's usage, asked for again and again.

use super::Target;
use super::result::{LoadResult, Times};
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::time::Instant;

/// How often each group is asked for.
const TIMES: usize = 30;

#[derive(Deserialize)]
struct Group {
    runs: u64,
    calls: u64,
}

/// Each answer must count that many runs and model calls at least.
pub(super) async fn load(target: &Target, least: u64) -> Result<LoadResult> {
    let mut result = LoadResult::default();
    let mut connection = target.connect().await?;
    let begin = Instant::now();
    for group in ["day", "model", "persona", "user"] {
        let mut times = Times::new()?;
        let path = format!("/v1/usage?group_by={group}");
        for _ in 0..TIMES {
            let begin = Instant::now();
            let answer = connection.call("GET", &path, "", 200).await?;
            times.record(begin.elapsed());
            let groups: Vec<Group> = serde_json::from_slice(&answer).context("no usage")?;
            let runs: u64 = groups.iter().map(|group| group.runs).sum();
            let calls: u64 = groups.iter().map(|group| group.calls).sum();
            ensure!(
                runs.min(calls) >= least,
                "{runs} runs and {calls} calls by {group}"
            );
            result.done += 1;
        }
        result
            .latencies
            .insert(format!("usage_by_{group}"), times.quantiles());
    }
    result.seconds = begin.elapsed().as_secs_f64();
    Ok(result)
}
