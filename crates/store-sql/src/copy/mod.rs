//! Moving a deployment from SQLite to PostgreSQL: every row of every table, and then a
//! comparison of every value.
//!
//! Only the tables are listed here, and the source must have no other; their columns and keys
//! are read from the databases, so a column that comes later isn't left behind. A row is held in
//! the form in which PostgreSQL sends and takes it, which makes equal mean the same bytes.

mod compare;
mod error;
pub(crate) mod image;
mod plan;
pub(crate) mod source;
mod target;

use std::path::Path;
use std::sync::Arc;

use runloom_domain::Clock;

use self::source::Source;
use self::target::Target;

pub use self::error::CopyError;

/// What is copied, parents before what refers to them.
pub(crate) const TABLES: [&str; 36] = [
    "orgs",
    "users",
    "user_names",
    "memberships",
    "api_keys",
    "sessions",
    "password_resets",
    "invitations",
    "audit_records",
    "audit_seals",
    "audit_pending",
    "org_data_keys",
    "llm_credentials",
    "llm_routes",
    "personas",
    "persona_versions",
    "mcp_servers",
    "mcp_tools",
    "http_tools",
    "idempotency_keys",
    "threads",
    "run_heads",
    "runs",
    "events",
    "messages",
    "model_calls",
    "credit_entries",
    "org_balances",
    "credit_ledger",
    "credit_holds",
    "budgets",
    "budget_spend",
    "budget_holds",
    "contents",
    "tool_outputs",
    "expired_runs",
];

/// What isn't: the leases of nodes that are gone, and the history of each database's own schema.
const LEFT_OUT: [&str; 3] = ["nodes", "compatible_from", "__diesel_schema_migrations"];

/// How far the copy of a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// The table.
    pub table: &'static str,
    /// What is being done with it.
    pub step: CopyStep,
    /// Its rows so far.
    pub rows: u64,
    /// Whether these are all.
    pub done: bool,
}

/// The two things that are done with each table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// Its rows are written.
    Copying,
    /// Its rows are read again from both sides and compared.
    Checking,
}

/// Copies the SQLite database in `folder` to the PostgreSQL database at `url`, and checks that
/// all values are equal. Returns each table with its number of rows.
///
/// Holds the folder's lock meanwhile, brings both to the schema of this version, and frees the
/// runs of the process that had the folder last, as its next start would. The target must be
/// empty, or hold what an unfinished copy has left, which is thrown away. Until the copy has
/// been checked, no server starts on the target.
///
/// `progress` is called every few hundred rows and at the end of each step of a table. Call this
/// on a multi-thread runtime. Dropping the future ends the copy unfinished.
pub async fn copy_to_postgres(
    folder: &Path,
    url: &str,
    clock: Arc<dyn Clock>,
    mut progress: impl FnMut(CopyProgress) + Send,
) -> Result<Vec<(&'static str, u64)>, CopyError> {
    let source = Source::open(folder, clock).await?;
    let target = Target::open(url).await?;
    let tables = plan::read(&source, &target).await?;
    for table in &tables {
        target
            .fill(table, source.rows(table), &mut progress)
            .await?;
    }
    target.analyze(&tables).await?;
    let mut counts = Vec::new();
    for table in &tables {
        let (ours, theirs) = (source.rows(table), target.rows(table).await?);
        let rows = compare::tables(table, ours, theirs, &mut progress).await?;
        counts.push((table.name, rows));
    }
    target.finish().await?;
    Ok(counts)
}
