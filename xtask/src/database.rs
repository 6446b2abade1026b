//! Which database a task works on, and opening it the way the server does.

use anyhow::{Context, Result, bail};
use clap::Args;
use runloom_domain::{Clock, SystemClock};
use runloom_store_sql::{Database, open_postgres, open_sqlite};
use std::env;
use std::path::PathBuf;
use std::sync::Arc;

/// As in the server's settings: a PostgreSQL address, else a folder with SQLite's file.
#[derive(Args)]
pub(crate) struct DatabaseArguments {
    /// A PostgreSQL database, `postgres://…`; else RUNLOOM_DATABASE_URL is used if set
    #[arg(long)]
    pub(crate) database_url: Option<String>,
    /// The folder with the SQLite database; else RUNLOOM_DATA_DIR, else ./runloom-data
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// A database to work on.
pub(crate) enum Chosen {
    Sqlite(PathBuf),
    Postgres(String),
}

/// Where the server keeps its PostgreSQL address, which has no place in a list of processes.
pub(crate) fn url_of_environment() -> Option<String> {
    env::var("RUNLOOM_DATABASE_URL").ok()
}

/// The folder with the SQLite database, unless another was named.
pub(crate) fn folder_of_environment() -> PathBuf {
    env::var_os("RUNLOOM_DATA_DIR").map_or_else(|| "runloom-data".into(), PathBuf::from)
}

impl DatabaseArguments {
    /// The one database to work on.
    pub(crate) fn choose(&self) -> Result<Chosen> {
        let named = match (&self.database_url, &self.data_dir) {
            (Some(_), Some(_)) => bail!("--database-url and --data-dir name two databases"),
            (Some(url), None) => Some(Chosen::Postgres(url.clone())),
            (None, Some(folder)) => Some(Chosen::Sqlite(folder.clone())),
            (None, None) => url_of_environment().map(Chosen::Postgres),
        };
        Ok(named.unwrap_or_else(|| Chosen::Sqlite(folder_of_environment())))
    }

    /// Opens it for a piece of work, and closes it whatever comes of that.
    pub(crate) async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&dyn Database) -> Result<T>,
    ) -> Result<T> {
        let database = self.choose()?.open(Arc::new(SystemClock)).await?;
        let done = work(&*database).await;
        database.close().await.context("can't close the database")?;
        done
    }
}

impl Chosen {
    /// Opens the database, made and brought to this version's schema as needed.
    pub(crate) async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Database>> {
        match self {
            Self::Sqlite(folder) => Ok(open_sqlite(folder, clock)
                .with_context(|| format!("can't use the database in {}", folder.display()))?),
            // The address may hold a password, so it isn't shown.
            Self::Postgres(url) => Ok(open_postgres(url)
                .await
                .context("can't use the PostgreSQL database")?),
        }
    }

    /// What to call it; never with its password.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("SQLite in {}", folder.display()),
            Self::Postgres(url) => {
                let place = url
                    .rsplit_once('@')
                    .map_or(url.as_str(), |(_, place)| place);
                format!("PostgreSQL at {}", place.trim_start_matches("postgres://"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_no_password() {
        let chosen = Chosen::Postgres("postgres://me:secret@localhost:5432/app".to_owned());
        assert_eq!(chosen.name(), "PostgreSQL at localhost:5432/app");
    }
}
