use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use runloom_domain::Clock;
use runloom_store_sql::{Database, open_postgres, open_sqlite};

use super::node::Identity;
use super::roles;
use crate::config::{Config, Mode};

/// The database, and who this process is to it.
pub(crate) struct Opened {
    pub(crate) database: Arc<dyn Database>,
    /// Held as long as the server runs; SQLite has a lock of its own.
    pub(crate) identity: Option<Identity>,
}

/// Opens the database, making and migrating it as needed, and the data folder.
pub(crate) async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Opened> {
    let data = &config.data;
    make_folder(&data.dir)?;
    match &data.database_url {
        Some(url) => postgres(url.expose(), &data.dir, config.mode, clock).await,
        None => sqlite(&data.dir, clock).await,
    }
}

/// Other nodes wait until a dead one's lease ends. This one needn't: holding the folder's lock
/// it knows that whoever held it before is gone.
async fn postgres(url: &str, folder: &Path, mode: Mode, clock: Arc<dyn Clock>) -> Result<Opened> {
    let failed = "can't use the PostgreSQL database";
    let database = open_postgres(url).await.context(failed)?;
    roles::report(database.roles(), mode);
    let identity = Identity::take(folder, clock.now())?;
    if let Some(dead) = identity.as_ref().and_then(|identity| identity.before) {
        database.expire_lease(dead).await.context(failed)?;
    }
    Ok(Opened { database, identity })
}

async fn sqlite(folder: &Path, clock: Arc<dyn Clock>) -> Result<Opened> {
    let path = folder.to_owned();
    // Opening blocks: it migrates, and waits for the disk.
    let opened = tokio::task::spawn_blocking(move || open_sqlite(path, clock)).await?;
    let failed = || format!("can't use the database in {}", folder.display());
    Ok(Opened {
        database: opened.with_context(failed)?,
        identity: None,
    })
}

/// Nobody but us has to look into the folder.
fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("can't make the data folder {}", folder.display()))
}
