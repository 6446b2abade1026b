//! What keeps the audit log from whoever owns the file.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use runloom_store_sql::Database;
use tempfile::TempDir;

use crate::file::open;

const A_RECORD_EACH: &str = "
PRAGMA foreign_keys = ON;
INSERT INTO orgs (org_id, name, created_at) VALUES (x'01', 'one', 1), (x'02', 'other', 1);
INSERT INTO audit_records
    SELECT org_id, x'07', 1, 'system', NULL, NULL, 'a', 'k', 's', '{}', NULL, NULL FROM orgs;
INSERT INTO audit_seals SELECT org_id, 1, x'07', zeroblob(32), zeroblob(32) FROM orgs;
INSERT INTO audit_pending SELECT org_id, x'07' FROM orgs;";

/// Records and seals can't be changed, and go with their organisation alone.
#[tokio::test]
async fn the_audit_log_is_only_added_to() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).unwrap();
    let path = store.path().to_owned();
    store.close().await.unwrap();
    drop(store);
    let mut c = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    c.batch_execute(A_RECORD_EACH).unwrap();
    for statement in [
        "UPDATE audit_records SET details = ''",
        "DELETE FROM audit_records",
        "UPDATE audit_seals SET seq = 2",
        "DELETE FROM audit_seals",
    ] {
        let error = c.batch_execute(statement).expect_err(statement);
        assert!(error.to_string().contains("only added to"), "{error}");
    }
    c.batch_execute("DELETE FROM orgs WHERE org_id = x'01'")
        .unwrap();
    for table in ["audit_records", "audit_seals", "audit_pending"] {
        let count = sql::<BigInt>(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(count.get_result::<i64>(&mut c), Ok(1), "{table}");
    }
}
