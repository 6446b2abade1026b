//! What an organisation has used, asked with many finished runs in the database.

use super::load::events::Event;
use super::measure::Bench;
use super::pattern::Pattern;
use super::report::Measured;
use super::row::Row;
use anyhow::Result;
use rustix::process::Signal;

impl Bench<'_> {
    /// The usage of the last 30 days, over which the runs are spread.
    pub(super) async fn usage(&self, row: &Row, runs: u32) -> Result<Measured> {
        let mut server = self.server().await?;
        let pattern = Pattern::make(&server, "fake-a", Event::Completed).await?;
        server.stop(Signal::TERM);
        let count = runs.to_string();
        self.fill(&server, &pattern, &["finished", &count]).await?;
        server.start_again(self.interrupt).await?;
        // The oldest leave the 30 days while they are asked for.
        let least = u64::from(runs) / 100 * 99;
        let load = ["used", "--runs", &least.to_string()].map(str::to_owned);
        let child = self.start_load(server.port, &server.key, &load)?;
        let database = server.database.as_ref().map(|cluster| cluster.server.id());
        self.watch(row, child.result(), server.id(), database).await
    }
}
