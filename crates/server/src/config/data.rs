use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::{Environment, Secret};

/// `[data]`: where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// `RUNLOOM_DATA_DIR`: the folder of the SQLite database, its lock and, in development
    /// mode, the generated master key. It is made when it doesn't exist. Default
    /// `./runloom-data`.
    pub dir: PathBuf,
    /// `RUNLOOM_DATABASE_URL`: a PostgreSQL 15 or later, `postgres://user:password@host/name`.
    /// Absent by default, and then SQLite is used.
    pub database_url: Option<Secret>,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("./runloom-data"),
            database_url: None,
        }
    }
}

impl Data {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_DATA_DIR", &mut self.dir)?;
        if let Some(url) = environment.text("RUNLOOM_DATABASE_URL") {
            self.database_url = Some(Secret::new(url));
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<()> {
        if let Some(url) = &self.database_url {
            let known = ["postgres://", "postgresql://"];
            if !known.iter().any(|scheme| url.expose().starts_with(scheme)) {
                // The URL may hold a password, so it isn't shown.
                bail!("RUNLOOM_DATABASE_URL (data.database_url) must begin with postgres://");
            }
        }
        Ok(())
    }
}
