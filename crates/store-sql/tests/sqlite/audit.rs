//! What keeps the audit log from whoever owns the file.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use runloom_store_sql::Database;
use tempfile::TempDir;

use crate::file::open;

pub(crate) const A_RECORD_EACH: &str = "
PRAGMA foreign_keys = ON;
INSERT INTO orgs (org_id, name, created_at)
    VALUES (zeroblob(16), 'one', 1), (randomblob(16), 'other', 1);
INSERT INTO audit_records
    SELECT org_id, zeroblob(16), 1, 'system', NULL, NULL, 'a', 'k', 's', '{}', NULL, NULL FROM orgs;
INSERT INTO audit_seals SELECT org_id, 1, zeroblob(16), zeroblob(32), zeroblob(32) FROM orgs;
INSERT INTO audit_pending SELECT org_id, zeroblob(16) FROM orgs;";

/// Changes that would be made by way of a deletion that fires no triggers.
const REPLACEMENTS: [&str; 9] = [
    "INSERT OR REPLACE INTO audit_records SELECT * FROM audit_records",
    "UPDATE OR REPLACE audit_records SET record_id = randomblob(16)",
    "INSERT OR REPLACE INTO audit_seals SELECT * FROM audit_seals",
    "INSERT OR REPLACE INTO audit_seals
        SELECT org_id, 2, record_id, previous_hash, hash FROM audit_seals",
    "INSERT OR REPLACE INTO audit_seals
        SELECT org_id, seq, randomblob(16), previous_hash, hash FROM audit_seals",
    "INSERT OR REPLACE INTO orgs SELECT * FROM orgs",
    "INSERT OR REPLACE INTO orgs (rowid, org_id, name, created_at)
        SELECT rowid, randomblob(16), name, created_at FROM orgs",
    "UPDATE orgs SET org_id = randomblob(16) WHERE name = 'one'",
    "UPDATE OR REPLACE orgs SET org_id = zeroblob(16) WHERE name = 'other'",
];

/// Rows that would stop whoever reads them, or hide from the check.
const MISFITS: [&str; 5] = [
    "PRAGMA foreign_keys = OFF; INSERT INTO audit_pending VALUES (x'07', zeroblob(16))",
    "INSERT INTO audit_seals
        SELECT org_id, 0, randomblob(16), previous_hash, hash FROM audit_seals",
    "INSERT INTO audit_seals SELECT org_id, 2, x'07', previous_hash, hash FROM audit_seals",
    "INSERT INTO audit_pending SELECT org_id, x'07' FROM orgs",
    "INSERT INTO audit_records
        SELECT org_id, x'07', 1, 'system', NULL, NULL, 'a', 'k', 's', '{}', NULL, NULL FROM orgs",
];

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
    let changes = [
        "UPDATE audit_records SET details = ''",
        "DELETE FROM audit_records",
        "UPDATE audit_seals SET seq = 2",
        "DELETE FROM audit_seals",
    ];
    let refused = |(statement, why): (&str, &str), c: &mut SqliteConnection| {
        let error = c.batch_execute(statement).expect_err(statement);
        assert!(error.to_string().contains(why), "{statement}: {error}");
    };
    for statement in changes.into_iter().chain(REPLACEMENTS) {
        refused((statement, "only added to"), &mut c);
    }
    for statement in MISFITS {
        refused((statement, "CHECK constraint failed"), &mut c);
    }
    c.batch_execute("PRAGMA foreign_keys = ON").unwrap();
    c.batch_execute("DELETE FROM orgs WHERE name = 'one'")
        .unwrap();
    for table in ["audit_records", "audit_seals", "audit_pending"] {
        let count = sql::<BigInt>(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(count.get_result::<i64>(&mut c), Ok(1), "{table}");
    }
}
