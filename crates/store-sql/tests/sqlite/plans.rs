//! How SQLite finds the rows of each statement that a test has made. It goes by the schema alone,
//! so what it does with an empty database it does with a large one.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::deserialize::QueryableByName;
use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use diesel_migrations::MigrationHarness;

use crate::file::MIGRATIONS;

/// What may be read from end to end: no table but those of the migrations; what a subquery has
/// found; the runs that somebody works on, by a partial index.
const SCANS: [&str; 6] = [
    "SCAN __diesel_schema_migrations",
    "SCAN compatible_from",
    "SCAN CONSTANT ROW",
    "SCAN one",
    "SCAN newest",
    "SCAN run_heads USING INDEX run_heads_owned",
];

/// Where all rows of an organisation stand in the order in which they are wanted.
const WALKS: [&str; 4] = [
    "runs_listed",
    "runs_kept",
    "threads_listed",
    "run_heads_open",
];

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes the statements of all connections that are made from now on.
pub(crate) fn watch() {
    let made = set_default_instrumentation(|| Some(Box::new(note) as Box<dyn Instrumentation>));
    made.expect("the instrumentation is set");
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "diesel hands events over by value"
)]
fn note(event: InstrumentationEvent<'_>) {
    if let InstrumentationEvent::StartQuery { query, .. } = event {
        let text = query.to_string();
        let statement = text.split(" -- binds").next().unwrap_or_default().trim();
        let is_data = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"]
            .iter()
            .any(|verb| statement.starts_with(verb));
        if is_data {
            let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(statement.to_owned());
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Fails when one of the statements noted so far reads more of a table than it needs.
pub(crate) fn check() {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(!seen.is_empty(), "no statement was noted");
    let mut c = SqliteConnection::establish(":memory:").expect("SQLite opens");
    c.run_pending_migrations(MIGRATIONS)
        .expect("the schema is made");
    let mut scans = Vec::new();
    for statement in &seen {
        let explain = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan: Vec<Step> = explain.load(&mut c).expect("the statement has a plan");
        let scan = plan.iter().find(|step| reads_too_much(&step.detail));
        scans.extend(scan.map(|step| format!("{}\n  {statement}", step.detail)));
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

fn reads_too_much(step: &str) -> bool {
    let scans = step.starts_with("SCAN ") && !SCANS.iter().any(|of| step.starts_with(of));
    let of_an_organisation = step.contains("(org_id=?)");
    scans || of_an_organisation && !WALKS.iter().any(|index| step.contains(index))
}
