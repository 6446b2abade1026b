//! `cargo xtask orgs`: what whoever runs the server does with organisations and their data.

mod live;

use crate::database::DatabaseArguments;
use crate::process::Interrupt;
use crate::rights::{self, Report, say};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use runloom_accounts::NO_PASSWORD;
use runloom_domain::{OrgId, SystemClock};
use runloom_store_sql::{ExportOptions, ImportOptions, RightsProgress};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write all that an organisation has to a file, also while servers run
    Export(Export),
    /// Read an organisation from the file of an export
    Import(Import),
    /// Delete an organisation for good; without --yes only say what would go
    Delete(Delete),
}

#[derive(Args)]
struct Export {
    /// The organisation's id, as GET /v1/me shows it
    org: OrgId,
    /// The file to write, which must not exist, or - for standard output
    file: PathBuf,
    /// Export runs that have not ended as they are
    #[arg(long)]
    with_live: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Args)]
struct Import {
    /// The file of an export
    file: PathBuf,
    /// The login or e-mail address of somebody here who becomes an owner
    #[arg(long)]
    as_owner: Option<String>,
    /// Leave out members whose login or e-mail address is somebody else's here
    #[arg(long)]
    without_known_logins: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Args)]
struct Delete {
    /// The organisation's id, as GET /v1/me shows it
    org: OrgId,
    /// Really delete
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Export(arguments) => export(interrupt, arguments).await,
        What::Import(arguments) => import(interrupt, arguments).await,
        What::Delete(arguments) => delete(interrupt, arguments).await,
    }
}

async fn export(interrupt: &Interrupt, arguments: &Export) -> Result<()> {
    let to = arguments.file.as_path();
    if to == Path::new("-") {
        return write(interrupt, arguments, io::stdout()).await;
    }
    let folder = to.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or_else(|| Path::new("."));
    // Readable by its owner alone, and under its name when it is whole.
    let unfinished = NamedTempFile::new_in(folder).context("can't make a file")?;
    write(interrupt, arguments, unfinished.as_file()).await?;
    unfinished.as_file().sync_all()?;
    let kept = unfinished.persist_noclobber(to);
    kept.with_context(|| format!("can't write {}", to.display()))?;
    Ok(())
}

async fn write(interrupt: &Interrupt, arguments: &Export, out: impl Write) -> Result<()> {
    let place = arguments.database.choose()?.place();
    let options = ExportOptions {
        with_live: arguments.with_live,
    };
    let mut out = Stoppable {
        out: BufWriter::with_capacity(1 << 18, out),
        interrupt,
    };
    let mut report = Report::new("exported");
    let mut tell = |progress| report.tell(progress);
    let exporting =
        runloom_store_sql::export_org(&place, arguments.org, options, &mut out, &mut tell);
    let objects = rights::unless(interrupt, exporting).await?;
    say(&format!("{} has {objects} objects", arguments.org));
    Ok(())
}

/// A writer that fails when the developer asks to stop: whoever reads a table of SQLite waits for
/// nothing else.
struct Stoppable<'a, W> {
    out: W,
    interrupt: &'a Interrupt,
}

impl<W: Write> Write for Stoppable<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.interrupt.check().map_err(io::Error::other)?;
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

async fn import(interrupt: &Interrupt, arguments: &Import) -> Result<()> {
    let chosen = arguments.database.choose()?;
    let options = ImportOptions {
        as_owner: arguments.as_owner.clone(),
        without_known_logins: arguments.without_known_logins,
        no_password: NO_PASSWORD.to_owned(),
    };
    let (place, file, clock) = (chosen.place(), &arguments.file, Arc::new(SystemClock));
    let mut report = Report::new("imported");
    let mut tell = |progress: RightsProgress| report.tell(progress);
    let importing = runloom_store_sql::import_org(&place, file, &options, clock, &mut tell);
    let imported = rights::unless(interrupt, importing).await?;
    for login in &imported.left_out {
        say(&format!(
            "left out {login}, whose name is somebody else's here"
        ));
    }
    live::end(&chosen, imported.org, &imported.live).await?;
    let (org, objects) = (imported.org, imported.objects);
    say(&format!("{org} is in {}, {objects} objects", chosen.name()));
    Ok(())
}

async fn delete(interrupt: &Interrupt, arguments: &Delete) -> Result<()> {
    let place = arguments.database.choose()?.place();
    let mut report = Report::new("deleted");
    let mut tell = |progress| report.tell(progress);
    let clock = Arc::new(SystemClock);
    let deleting =
        runloom_store_sql::delete_org(&place, arguments.org, arguments.yes, clock, &mut tell);
    let deleted = rights::unless(interrupt, deleting).await?;
    rights::print(&deleted, arguments.yes);
    Ok(())
}
