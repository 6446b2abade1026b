/// A way to the database, of which there are several so that what must not wait for each other
/// doesn't: connections of a kind, or threads with one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What it is for: `appends`, `creates`, `leases` and `rest` on PostgreSQL, `writes` and
    /// `reads` on SQLite.
    pub name: &'static str,
    /// How many calls it can serve at once.
    pub size: usize,
    /// How many it serves now.
    pub in_use: usize,
    /// How many wait for it.
    pub waiting: usize,
}
