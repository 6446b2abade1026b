//! A later version has migrated: who runs goes on, who starts is told.

use std::sync::Arc;

use runloom_tests::{Client, Data, Setup, Store, both_stores, check_ended, script, text};
use serde_json::json;

/// What an expanding migration may do, as the server's role may not.
const EXPANDED: &str = "
ALTER TABLE runs ADD COLUMN of_a_later_version text;
ALTER TABLE run_heads ADD COLUMN of_a_later_version bigint NOT NULL DEFAULT 7;
ALTER TABLE events ADD COLUMN of_a_later_version jsonb;
ALTER TABLE threads ADD COLUMN of_a_later_version boolean;
ALTER TABLE messages ADD COLUMN of_a_later_version boolean;
CREATE TABLE of_a_later_version (org_id uuid PRIMARY KEY);
INSERT INTO __diesel_schema_migrations (version) VALUES ('9998');";

const CONTRACTED: &str = "UPDATE compatible_from SET migration = '9998'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_node_goes_on_with_a_newer_schema_and_none_starts() {
    let setup = Setup::new(Store::Postgres).scripted("m", script([text("hi")]));
    let node = setup.start().await;
    let client = node.client();
    // Its statements are prepared on the schema as it was.
    let run = client.run(&json!({ "input": "before" })).await;
    check_ended(&client.follow(&run).await, "run.completed");
    let session = node.data().session().await;
    session.batch_execute(EXPANDED).await.expect("it expands");

    let anonymous = Client::anonymous(node.base());
    anonymous.get("/readyz").await.expect(200);
    let thread = client.thread().await;
    for _ in 0..3 {
        let run = client.run_in(&thread, &json!({ "input": "after" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
    }
    client.get("/v1/threads").await.expect(200);

    let own = node.data().folder().join("other-node");
    let other = node.setup().clone().on(Arc::clone(node.data()));
    let other = other.variable("RUNLOOM_DATA_DIR", own.to_str().expect("UTF-8"));
    let refused = other.try_start().await.expect_err("the schema is newer");
    let told = refused.stderr.join("\n");
    let message = "its schema has the migration 9998, which this version doesn't know";
    assert!(told.contains(message), "{told}");

    session
        .batch_execute(CONTRACTED)
        .await
        .expect("it contracts");
    anonymous.get("/readyz").await.expect(503);
}

both_stores! {
    async fn a_start_says_what_it_migrated(store: Store) {
        let empty = Arc::new(Data::empty(store).await);
        let node = Setup::new(store).on(empty).start().await;
        let migrated = |log: &[String]| {
            log.iter().filter(|line| line.contains("the schema has a further migration")).count()
        };
        assert!(migrated(&node.log()) >= 3, "{:#?}", node.log());
        let node = node.terminate().await.restart().await;
        assert_eq!(migrated(&node.log()), 0);
    }
}
