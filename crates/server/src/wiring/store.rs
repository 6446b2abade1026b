use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use runloom_domain::Clock;
use runloom_store_sql::{Database, open_postgres, open_sqlite};

use crate::config::Data;

/// Opens the database, making and migrating it as needed, and the data folder.
pub(crate) async fn open(data: &Data, clock: Arc<dyn Clock>) -> Result<Arc<dyn Database>> {
    make_folder(&data.dir)?;
    if let Some(url) = &data.database_url {
        let opened = open_postgres(url.expose()).await;
        return Ok(opened.context("can't use the PostgreSQL database")?);
    }
    let folder = data.dir.clone();
    // Opening blocks: it migrates, and waits for the disk.
    let opened = tokio::task::spawn_blocking(move || open_sqlite(folder, clock)).await?;
    Ok(opened.with_context(|| format!("can't use the database in {}", data.dir.display()))?)
}

/// Nobody but us has to look into the folder.
fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("can't make the data folder {}", folder.display()))
}
