use std::error::Error;

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached or gave up waiting; the same call may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// There is no room for writes; reads still work.
    #[error("the database has no room left")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// A stored value can't be what it should be.
    #[error("{table}.{column} of {key} can't be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Names the row.
        key: String,
        /// What was wrong with the value.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database refused the data; trying again can't help.
    #[error("the database refused the statement")]
    Rejected(#[source] Box<dyn Error + Send + Sync>),
    /// Another process holds the database file.
    #[error("{path} is in use by another runloom process")]
    InUse {
        /// The lock file.
        path: String,
    },
    /// The database is not as this version needs it: a newer schema, an unsafe setting.
    #[error("the database can't be used: {0}")]
    Unfit(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_))
    }
}
