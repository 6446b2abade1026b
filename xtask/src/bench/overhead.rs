//! What routing, accounting and budgets cost: runs of organisations that have all of it, beside
//! runs of one that has nothing, on one server and within one load.

mod organisation;
mod provider;

use super::measure::Bench;
use super::report::Measured;
use super::row::Row;
use super::server::Server;
use crate::process;
use anyhow::{Context as _, Result};
use provider::Provider;
use rustix::process::Signal;

/// How many words the provider says: the difference of both tells what a delta costs, and what
/// is left of the shorter one what a run costs.
pub(crate) const WORDS: [u64; 2] = [10, 400];

/// What an organisation has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The platform's route without prices, no credits, no budgets.
    Plain,
    /// The same once more: how far it is from `Plain` is what the figures may be off.
    Again,
    /// Twenty routes of its own with rules, fallbacks and rates, and an own credential.
    Routed,
    /// The same with prices.
    Priced,
    /// The same, and credits.
    Metered,
    /// Priced routes, and budgets for the organisation and the user, by day and by month.
    Budgeted,
    /// All of it.
    Full,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::Again,
        Self::Routed,
        Self::Priced,
        Self::Metered,
        Self::Budgeted,
        Self::Full,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Again => "again",
            Self::Routed => "routed",
            Self::Priced => "priced",
            Self::Metered => "metered",
            Self::Budgeted => "budgeted",
            Self::Full => "full",
        }
    }

    pub(crate) const fn is_routed(self) -> bool {
        !matches!(self, Self::Plain | Self::Again)
    }

    const fn is_priced(self) -> bool {
        self.is_routed() && !matches!(self, Self::Routed)
    }

    const fn is_metered(self) -> bool {
        matches!(self, Self::Metered | Self::Full)
    }

    const fn is_budgeted(self) -> bool {
        matches!(self, Self::Budgeted | Self::Full)
    }
}

/// As many credits as no load uses up.
const CREDITS: &str = "1000000000000";

impl Bench<'_> {
    pub(super) async fn overhead(&self, row: &Row) -> Result<Measured> {
        let provider = Provider::start()?;
        let mut server = self.server_with(self.with_provider(&provider)?).await?;
        let (mut keys, mut metered) = (Vec::new(), Vec::new());
        for kind in Kind::ALL {
            let organisation = organisation::make(&server, kind, &provider.url()).await?;
            keys.push(organisation.key);
            metered.extend(kind.is_metered().then_some(organisation.id));
        }
        server.stop(Signal::TERM);
        for org in metered {
            let mut credits = self.on_database("credits", &server);
            let given = [org.as_str(), "--metered", "yes", "--top-up", CREDITS];
            process::run(self.interrupt, credits.args(given)).await?;
        }
        server.start_again(self.interrupt).await?;
        let child = self.start_load(server.port, &keys.join(","), &load(&server))?;
        let database = server.database.as_ref().map(|cluster| cluster.server.id());
        self.watch(row, child.result(), server.id(), database).await
    }

    /// The platform's routes, and leave to reach the provider.
    fn with_provider(&self, provider: &Provider) -> Result<Vec<(&'static str, String)>> {
        let config = self.folder.join("overhead.toml");
        let url = provider.url();
        let route = |words| {
            let model = provider::model(words);
            format!(
                "[[routes]]\nroute_id = \"{model}\"\nmodel = \"{model}\"\nbase_url = \"{url}\"\n"
            )
        };
        std::fs::write(&config, WORDS.map(route).concat())
            .context("can't write the configuration")?;
        Ok(vec![
            ("RUNLOOM_CONFIG", config.display().to_string()),
            ("RUNLOOM_NET_ALLOW", "127.0.0.0/8".to_owned()),
        ])
    }
}

/// The load, which reads the processor time of the server and its database around each block.
fn load(server: &Server) -> Vec<String> {
    let mut load = vec![
        "overhead".to_owned(),
        "--process".to_owned(),
        server.id().to_string(),
    ];
    if let Some(cluster) = &server.database {
        load.extend(["--database".to_owned(), cluster.server.id().to_string()]);
    }
    load
}
