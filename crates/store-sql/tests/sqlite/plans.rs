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

/// What may be read from end to end: results of subqueries, tables that stay small, and partial
/// indexes of runs that somebody works on.
const SMALL: [&str; 3] = [
    "CONSTANT ROW",
    "__diesel_schema_migrations",
    "compatible_from",
];

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes the statements of all connections that are made from now on.
pub(crate) fn watch() {
    let made = set_default_instrumentation(|| Some(Box::new(note) as Box<dyn Instrumentation>));
    made.expect("the instrumentation is set");
}

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

/// Fails when one of the statements noted so far reads a table from end to end.
pub(crate) fn check() {
    let seen = std::mem::take(&mut *SEEN.lock().unwrap_or_else(PoisonError::into_inner));
    let mut c = SqliteConnection::establish(":memory:").expect("SQLite opens");
    c.run_pending_migrations(MIGRATIONS)
        .expect("the schema is made");
    let mut scans = Vec::new();
    for statement in &seen {
        let explain = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan: Vec<Step> = explain.load(&mut c).expect("the statement has a plan");
        let scan = plan.iter().find(|step| is_scan(&step.detail));
        scans.extend(scan.map(|step| format!("{}\n  {statement}", step.detail)));
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

fn is_scan(step: &str) -> bool {
    step.strip_prefix("SCAN ")
        .is_some_and(|of| !SMALL.iter().any(|small| of.starts_with(small)))
        || step.contains("(org_id=?)")
        || step.contains("TEMP B-TREE")
}
