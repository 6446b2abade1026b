//! What the server does for the `Authorization` header of each request, without the request: the
//! same code in this process, over a database of its own.

use crate::bench::compared::Compared;
use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use runloom_accounts::{Accounts, AccountsConfig, Login, Secret, TokenKeys};
use runloom_domain::SystemClock;
use runloom_store_sql::Database as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

/// Lookups of each kind, by turns. They last for several times as long as a node remembers what it
/// has read, so that reading anew is among them.
const TIMES: u32 = 400_000;

pub(super) async fn measure() -> Result<[Compared; 2]> {
    let folder = tempfile::tempdir().context("can't make a folder")?;
    let clock = Arc::new(SystemClock);
    let store = runloom_store_sql::open_sqlite(folder.path(), clock.clone())?;
    let keys = TokenKeys::derive(&[7; 32]);
    let config = AccountsConfig::default();
    let accounts = Accounts::new(store.clone(), store.clone(), clock, &keys, config);
    let owner = accounts.first_owner("bench", "bench@localhost").await?;
    let owner = owner.context("the database isn't new")?;
    let login = Login {
        name: owner.login,
        password: owner.password,
        org_id: None,
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        trace_id: None,
    };
    let token = accounts.login(login).await?.access.token;
    let times = by_turns(&accounts, [&token, &owner.api_key]).await?;
    store.close().await.context("can't close the database")?;
    Ok([("p50", 0.50), ("p99", 0.99)].map(|(name, quantile)| {
        let micros = |times: &Histogram<u64>| times.value_at_quantile(quantile) as f64 / 1_000.0;
        let [token, key] = times.each_ref().map(micros);
        let figures = vec![("token".to_owned(), token), ("key".to_owned(), key)];
        Compared::new(format!("authenticate, us ({name})"), figures)
    }))
}

/// In nanoseconds.
async fn by_turns(accounts: &Accounts, kinds: [&Secret; 2]) -> Result<[Histogram<u64>; 2]> {
    let mut times = [Histogram::new(3)?, Histogram::new(3)?];
    for _ in 0..TIMES {
        for (times, credential) in times.iter_mut().zip(kinds) {
            let begin = Instant::now();
            let caller = accounts.authenticate(credential.expose()).await;
            let took = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
            if let Err(error) = caller {
                bail!("a good credential is refused: {error}");
            }
            times.record(took)?;
        }
    }
    Ok(times)
}
