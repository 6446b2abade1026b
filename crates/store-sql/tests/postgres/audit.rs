//! What keeps the audit log from whoever owns the tables, and from everybody else.

use runloom_store_sql::open_postgres;
use tokio_postgres::error::SqlState;

use crate::support::{self, TestDatabase};

const A_RECORD_EACH: &str = "
INSERT INTO orgs (org_id, name, created_at) VALUES
    ('00000000-0000-4000-8000-000000000001', 'one', now()),
    ('00000000-0000-4000-8000-000000000002', 'other', now());
INSERT INTO audit_records (org_id, record_id, created_at, actor, action, subject_kind, subject_id,
    details) SELECT org_id, org_id, now(), 'system', 'a', 'k', 's', '{}' FROM orgs;
INSERT INTO audit_seals SELECT org_id, 1, org_id, decode(repeat('00', 32), 'hex'),
    decode(repeat('00', 32), 'hex') FROM orgs;
INSERT INTO audit_pending SELECT org_id, org_id FROM orgs";

const CHANGES: [&str; 6] = [
    "UPDATE audit_records SET details = ''",
    "DELETE FROM audit_records",
    "TRUNCATE audit_records",
    "UPDATE audit_seals SET seq = 2",
    "DELETE FROM audit_seals",
    "TRUNCATE audit_seals",
];

/// Records and seals can't be changed by their owner, nor by the server's roles, and go with their
/// organisation alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_only_added_to() {
    let database = TestDatabase::create().await;
    open_postgres(database.url()).await.unwrap();
    let session = database.session().await;
    support::run(&session, A_RECORD_EACH).await;
    for (role, code) in [
        ("NONE", SqlState::RAISE_EXCEPTION),
        ("runloom_tenant", SqlState::INSUFFICIENT_PRIVILEGE),
        ("runloom_engine", SqlState::INSUFFICIENT_PRIVILEGE),
    ] {
        support::run(&session, &format!("SET ROLE {role}")).await;
        for statement in CHANGES {
            let refused = session.batch_execute(statement).await;
            let refused = refused.expect_err(statement).code().cloned();
            assert_eq!(refused, Some(code.clone()), "{role}: {statement}");
        }
    }
    // Behind such a place a record would hide from the check.
    let hidden = "RESET ROLE; INSERT INTO audit_seals
        SELECT org_id, 0, gen_random_uuid(), hash, hash FROM audit_seals";
    let refused = session.batch_execute(hidden).await.expect_err(hidden);
    assert_eq!(refused.code(), Some(&SqlState::CHECK_VIOLATION));
    let gone = "RESET ROLE; DELETE FROM orgs WHERE name = 'one'";
    support::run(&session, gone).await;
    for table in ["audit_records", "audit_seals", "audit_pending"] {
        let count = format!("SELECT count(*) FROM {table}");
        let row = session.query_one(&count, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 1, "{table}");
    }
}
