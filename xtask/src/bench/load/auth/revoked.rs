//! How soon a node refuses a key that it knows and that has been revoked.

use crate::bench::load::Target;
use crate::bench::load::result::{LoadResult, Times};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Keys that are revoked.
const KEYS: usize = 20;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// When it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Key {
    id: String,
    key: String,
}

/// Revokes keys at `owner` that are in use at `other`.
pub(super) async fn measure(
    owner: &Target,
    place: &str,
    other: &Target,
    result: &mut LoadResult,
) -> Result<()> {
    let mut times = Times::new()?;
    let mut connection = owner.connect().await?;
    for _ in 0..KEYS {
        let body = r#"{"name":"bench","scopes":["runs.read"]}"#;
        let made = connection.call("POST", "/v1/api-keys", body, 201).await?;
        let made: Key = serde_json::from_slice(&made).context("no key")?;
        let with_key = Target {
            address: other.address,
            key: made.key,
        };
        let mut user = with_key.connect().await?;
        user.call("GET", "/v1/me", "", 200).await?;
        let path = format!("/v1/api-keys/{}", made.id);
        connection.call("DELETE", &path, "", 204).await?;
        let begin = Instant::now();
        while user.call("GET", "/v1/me", "", 200).await.is_ok() {
            if begin.elapsed() > PATIENCE {
                bail!("a revoked key still works after {PATIENCE:?}");
            }
            tokio::time::sleep(LOOK).await;
        }
        times.record(begin.elapsed());
        // What was refused was the key.
        with_key
            .connect()
            .await?
            .call("GET", "/v1/me", "", 401)
            .await?;
        result.done += 1;
    }
    let what = format!("revoked_{place}");
    result.latencies.insert(what, times.quantiles());
    Ok(())
}
