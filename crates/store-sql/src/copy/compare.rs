//! Whether the copy is equal.

use super::plan::{Row, Table};
use super::source::Rows;
use super::target::TargetRows;
use super::{CopyError, CopyProgress, CopyStep};

/// Compares a table row by row and value by value, and counts its rows. Both sides come in the
/// order of the key, so the first difference ends it.
pub(super) async fn tables(
    table: &Table,
    mut ours: Rows,
    mut theirs: TargetRows,
    progress: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<u64, CopyError> {
    let mut so_far = CopyProgress {
        table: table.name,
        step: CopyStep::Checking,
        rows: 0,
        done: false,
    };
    while let Some(batch) = ours.next().await? {
        for row in &batch {
            same(table, Some(row), theirs.next().await?.as_ref())?;
        }
        so_far.rows += batch.len() as u64;
        progress(so_far);
    }
    same(table, None, theirs.next().await?.as_ref())?;
    so_far.done = true;
    progress(so_far);
    Ok(so_far.rows)
}

fn same(table: &Table, ours: Option<&Row>, theirs: Option<&Row>) -> Result<(), CopyError> {
    if ours == theirs {
        return Ok(());
    }
    let name = |row| table.name_of(row);
    let difference = match (ours, theirs) {
        (Some(ours), Some(theirs)) if table.same_key(ours, theirs) => {
            let mut columns = table.columns.iter().zip(ours.iter().zip(theirs));
            let other = columns.find(|(_, (ours, theirs))| ours != theirs);
            let column = other.map_or("", |(column, _)| column.name.as_str());
            format!("{column} of the row {}", name(ours))
        }
        (Some(ours), Some(theirs)) => {
            let (ours, theirs) = (name(ours), name(theirs));
            format!("SQLite has the row {ours} where PostgreSQL has {theirs}")
        }
        (Some(ours), None) => format!("PostgreSQL ends before the row {}", name(ours)),
        (None, Some(theirs)) => format!("PostgreSQL has the row {} in addition", name(theirs)),
        (None, None) => return Ok(()),
    };
    Err(CopyError::Different {
        table: table.name,
        difference,
    })
}
