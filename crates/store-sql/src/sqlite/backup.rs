//! A copy of the database file while a server may be using it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use runloom_store::StoreError;

use super::error;
use super::open::{FILE, connect, unavailable};

/// Whoever is closing the file, or reading its log back, is waited for.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000;";

/// Only the owner may read what holds hashes of passwords.
const OWNER_ONLY: u32 = 0o600;

/// Writes the SQLite database in `folder` to the new file `to`, and checks it. Returns the size
/// in bytes.
///
/// The file is the database at one moment, also while a server writes: it is read in one
/// transaction, takes no lock of the server's, and has no log beside it. It appears under its
/// name when it is whole, checked and on the disk; until then it is called `to` with
/// `.unfinished`. Blocks as long as that takes.
///
/// Fails with [`StoreError::Unfit`] when there is no database or there is a file `to`, and with
/// [`StoreError::Full`] when it doesn't fit.
pub fn back_up_sqlite(folder: &Path, to: &Path) -> Result<u64, StoreError> {
    let from = folder.join(FILE);
    let unfit =
        |path: &Path, what: &str| Err(StoreError::Unfit(format!("{} {what}", path.display())));
    if !from.exists() {
        return unfit(&from, "doesn't exist");
    }
    if to.exists() {
        return unfit(to, "exists already");
    }
    let unfinished = make_unfinished(to).map_err(unavailable)?;
    let written = write(&from, &unfinished).and_then(|()| check(&unfinished));
    if let Err(error) = written {
        // What can't be used isn't left; that it can't be removed is the lesser failure.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    finish(&unfinished, to).map_err(unavailable)
}

/// An empty file, in place of what a backup that was cut off has left.
fn make_unfinished(to: &Path) -> io::Result<PathBuf> {
    let mut name = to.as_os_str().to_owned();
    name.push(".unfinished");
    let path = PathBuf::from(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut new = OpenOptions::new();
    new.write(true).create_new(true).mode(OWNER_ONLY);
    new.open(&path)?;
    Ok(path)
}

fn write(from: &Path, to: &Path) -> Result<(), StoreError> {
    let to = to
        .to_str()
        .ok_or_else(|| StoreError::Unfit(format!("{} is not UTF-8", to.display())))?;
    let mut c = connect(from)?;
    c.batch_execute(SETTINGS).map_err(error::of_statement)?;
    let vacuum = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(to);
    vacuum.execute(&mut c).map_err(error::of_statement)?;
    Ok(())
}

fn check(copy: &Path) -> Result<(), StoreError> {
    let mut c = connect(copy)?;
    let verdict: String = sql::<Text>("PRAGMA integrity_check(1)")
        .get_result(&mut c)
        .map_err(error::of_statement)?;
    if verdict == "ok" {
        return Ok(());
    }
    let fault = format!("the backup is damaged, and so may be the database: {verdict}");
    Err(StoreError::Unfit(fault))
}

/// SQLite doesn't flush what it writes so, and neither is a name on the disk until its folder is.
fn finish(unfinished: &Path, to: &Path) -> io::Result<u64> {
    let file = File::open(unfinished)?;
    file.sync_all()?;
    fs::rename(unfinished, to)?;
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()?;
    Ok(file.metadata()?.len())
}
