//! What things cost with few and with many finished runs in the database.

use super::load::events::Event;
use super::load::result::LoadResult;
use super::measure::Bench;
use super::pattern::Pattern;
use super::report::Measured;
use super::row::Row;
use crate::process;
use anyhow::{Context, Result};
use rustix::process::Signal;

/// Runs that are claimed one by one.
const CLAIMS: u32 = 200;
/// Clients of the second load.
const CLIENTS: usize = 16;

impl Bench<'_> {
    /// The same loads and claims beside `runs` finished runs.
    pub(super) async fn curve(&self, row: &Row, runs: u32) -> Result<Measured> {
        let mut server = self.server().await?;
        let pattern = Pattern::make(&server, "fake-a", Event::Completed).await?;
        server.stop(Signal::TERM);
        if runs > 1 {
            let count = (runs - 1).to_string();
            self.fill(&server, &pattern, &["finished", &count]).await?;
        }
        let due = CLAIMS.to_string();
        self.fill(&server, &pattern, &["due", &due]).await?;
        let size = server.stored_bytes()?;
        let claimed = process::output(&mut self.on_database("bench-claim", &server)).await?;
        let claimed: LoadResult =
            serde_json::from_str(&claimed).with_context(|| format!("no result: {claimed}"))?;
        server.start_again(self.interrupt).await?;
        self.quiet(&server).await?;

        let mut measured = Measured::new(row.name());
        measured.count("stored_mib", size >> 20);
        measured.add("", claimed);
        for (clients, suffix) in [(1, ""), (CLIENTS, "_16")] {
            let load = [
                "curve".to_owned(),
                "--clients".to_owned(),
                clients.to_string(),
            ];
            let child = self.start_load(server.port, &server.key, &load)?;
            measured.add(suffix, self.unless_interrupted(child.result()).await?);
        }
        Ok(measured)
    }
}
