//! What people may ask for of their data: an organisation as a file, the file in another
//! deployment, and an organisation or a person gone for good.
//!
//! Exports and imports go by a list of objects and their columns ([`objects`]), which names what
//! stays out, too. Deletions go by the schema itself, so that a table that comes later is not
//! forgotten. Values are held in the form of [`copy`](crate::copy), which is the same for both
//! databases.

mod delete;
mod error;
mod export;
mod file;
mod form;
mod import;
mod json;
mod objects;
mod recorded;
mod runs;
mod session;
mod walk;

use std::path::PathBuf;

#[cfg(feature = "testing")]
pub(crate) use self::objects::exported;

pub use self::delete::{Deleted, delete_org, delete_user};
pub use self::error::RightsError;
pub use self::export::{ExportOptions, export_org};
pub use self::import::{ImportOptions, Imported, import_org};

/// A database.
pub enum Place {
    /// The folder of an SQLite database.
    Sqlite(PathBuf),
    /// The address of a PostgreSQL database.
    Postgres(String),
}

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RightsProgress {
    /// The kind of line, or the table.
    pub what: &'static str,
    /// Its rows so far.
    pub rows: u64,
    /// Whether these are all.
    pub done: bool,
}
