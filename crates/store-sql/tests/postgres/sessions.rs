//! The limits and the role of each session, as its statements meet them.

use runloom_domain::Clock as _;
use runloom_domain::{NodeId, OrgId, SystemClock, Timestamp};
use runloom_store::{RunStore, ThreadStore};
use runloom_store_sql::open_postgres;

use crate::sample::{change, new_thread, running};
use crate::support::{self, TestDatabase};

/// Notes of each statement that writes who runs it and under what limits.
const WATCH: &str = "
CREATE TABLE seen (what text, role text, statement text, lock text, idle text);
GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO seen VALUES (TG_OP || ' ' || TG_TABLE_NAME, current_user,
        current_setting('statement_timeout'), current_setting('lock_timeout'),
        current_setting('idle_in_transaction_session_timeout'));
    RETURN NULL;
END $$;
CREATE TRIGGER see AFTER INSERT ON nodes EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER INSERT ON threads EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER INSERT ON runs EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER INSERT ON events EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER UPDATE ON run_heads EXECUTE FUNCTION see();";

#[tokio::test(flavor = "multi_thread")]
async fn each_lane_has_its_role_and_its_limits() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    let session = database.session().await;
    support::run(&session, WATCH).await;
    let run = running(&*store).await;
    store.append(vec![change(run)]).await.unwrap();
    let node = NodeId::generate(Timestamp::default());
    store.renew_lease(node).await.unwrap();
    store.claim(node, 1).await.unwrap();
    let org = OrgId::generate(SystemClock.now());
    store.create_thread(new_thread(org), None).await.unwrap();
    let seen =
        "SELECT DISTINCT concat_ws(' ', what, role, statement, lock, idle) FROM seen ORDER BY 1";
    let rows = session.query(seen, &[]).await.unwrap();
    let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        seen,
        [
            // An append, and a creation.
            "INSERT events runloom_engine 20s 0 30s",
            "INSERT events runloom_tenant 10s 2s 30s",
            "INSERT nodes runloom_engine 4s 3s 30s",
            "INSERT runs runloom_tenant 10s 2s 30s",
            "INSERT threads runloom_tenant 20s 10s 30s",
            // An append, and a claim.
            "UPDATE run_heads runloom_engine 20s 0 30s",
            "UPDATE run_heads runloom_engine 20s 10s 30s",
        ]
    );
}
