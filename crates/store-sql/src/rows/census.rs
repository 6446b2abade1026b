use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use runloom_store::{Census, StoreError};
use uuid::Uuid;

use super::run::status;
use super::unsigned;
use crate::types::Id;

/// The runs of one status that haven't ended.
#[derive(QueryableByName)]
pub(crate) struct CensusRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    unleased: i64,
    /// How long the oldest due one has been waiting, in microseconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    oldest_due: Option<i64>,
}

/// The census that these rows are.
pub(crate) fn into_census(rows: &[CensusRow]) -> Result<Census, StoreError> {
    let mut census = Census::default();
    for row in rows {
        let count = |value| unsigned::<u64>("run_heads", "count", &row.status, value);
        let status = status(Id(Uuid::nil()), &row.status)?;
        census.live.insert(status, count(row.runs)?);
        census.unleased += count(row.unleased)?;
        // Clocks may step back.
        let waited = row.oldest_due.map(|age| u64::try_from(age).unwrap_or(0));
        census.oldest_due = census.oldest_due.max(waited.map(Duration::from_micros));
    }
    Ok(census)
}
