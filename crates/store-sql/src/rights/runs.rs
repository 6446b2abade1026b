//! Statements about runs that have not ended.

use runloom_domain::RunStatus;

/// The condition that a run has not ended, in the words of the index on such runs.
fn open(of: &str) -> String {
    let ended = RunStatus::ALL
        .into_iter()
        .filter(|status| status.is_terminal());
    let ended: Vec<String> = ended.map(|status| format!("'{status}'")).collect();
    format!("{of}.status NOT IN ({})", ended.join(", "))
}

/// How many the organisation `$1` has.
pub(super) fn count() -> String {
    let open = open("run_heads");
    format!("SELECT count(*) FROM run_heads WHERE org_id = $1 AND {open}")
}

/// Those of the organisation `$1`, with who has created them.
pub(super) fn with_creators() -> String {
    let open = open("run_heads");
    format!(
        "SELECT run_heads.run_id, runs.created_by FROM run_heads
        JOIN runs ON runs.org_id = run_heads.org_id AND runs.run_id = run_heads.run_id
        WHERE run_heads.org_id = $1 AND {open} ORDER BY run_heads.run_id"
    )
}

/// How many others have whose ids are those of runs of the organisation `$1`.
pub(super) fn count_twins() -> String {
    let open = open("theirs");
    format!(
        "SELECT count(*) FROM run_heads theirs WHERE {open} AND EXISTS
            (SELECT 1 FROM run_heads ours WHERE ours.org_id = $1
                AND ours.run_id = theirs.run_id AND theirs.org_id <> ours.org_id)"
    )
}

/// Ends those of the organisation `$1`. Whoever works on one finds it to be somebody else's, and
/// can't write to it.
pub(super) fn end() -> String {
    let open = open("run_heads");
    format!(
        "UPDATE run_heads
        SET status = 'cancelled', epoch = epoch + 1, owner_node = NULL, wake_at = NULL
        WHERE org_id = $1 AND {open}"
    )
}

#[cfg(test)]
mod tests {
    /// Both databases take the index for statements that have its condition, word by word.
    #[test]
    fn the_condition_is_that_of_the_index() {
        let index = include_str!("../../../../migrations/postgres/0001_run_log/up.sql");
        let condition = super::open("x").replace("x.", "WHERE ");
        assert!(index.contains(&condition), "{condition}");
    }
}
