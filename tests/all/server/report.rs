use std::sync::Arc;

use runloom_tests::{Data, Node, Setup, Store};
use serde_json::Value;

/// A server on a PostgreSQL that commits like this.
async fn committing(how: &str) -> Node {
    let data = Arc::new(Data::fresh(Store::Postgres).await);
    let url = data.database_url().expect("a PostgreSQL");
    let more = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{more}options=-csynchronous_commit%3D{how}");
    let setup = Setup::new(Store::Postgres).on(data);
    setup.variable("RUNLOOM_DATABASE_URL", &url).start().await
}

async fn line(node: &mut Node, part: &str) -> Value {
    let line = node.logged(part).await;
    serde_json::from_str(&line).expect("every line is JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_is_reported() {
    const DANGER: &str = "synchronous_commit is off: acknowledged events may be lost";
    let mut safe = committing("on").await;
    let report = line(&mut safe, "the database is PostgreSQL").await;
    assert_eq!(report["db.synchronous_commit"], "on", "{report}");
    let version = report["db.version"].as_str().expect("a version");
    let major = version.split('.').next().and_then(|text| text.parse().ok());
    assert!(major.is_some_and(|major: u32| major >= 15), "{report}");
    assert!(safe.log().iter().all(|line| !line.contains(DANGER)));

    let mut unsafe_one = committing("off").await;
    let warning = line(&mut unsafe_one, DANGER).await;
    assert_eq!(warning["level"], "WARN", "{warning}");
    let report = line(&mut unsafe_one, "the database is PostgreSQL").await;
    assert_eq!(report["db.synchronous_commit"], "off", "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_is_reported() {
    let mut node = Setup::new(Store::Sqlite).start().await;
    let report = line(&mut node, "the database is SQLite").await;
    assert!(
        report["db.version"]
            .as_str()
            .is_some_and(|text| text.starts_with("3."))
    );
    assert_eq!(report["db.journal_mode"], "wal", "{report}");
    assert_eq!(report["db.synchronous"], "full", "{report}");
}
