//! A backup that is made while runs go on, and a server on what is restored from it.

use std::fs;
use std::sync::Arc;

use runloom_tests::{
    Data, Store, both_stores, check_ended, check_log, kinds, postgres_program, xtask,
};
use serde_json::json;

use super::{bytes, folder, setup};

const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Backs up as docs/operations.md says, and restores as new data.
async fn restored(store: Store, data: &Data) -> Arc<Data> {
    let new = Data::empty(store).await;
    match store {
        Store::Sqlite => back_up_sqlite(data, &new).await,
        Store::Postgres => back_up_postgres(data, &new).await,
    }
    Arc::new(new)
}

async fn back_up_sqlite(data: &Data, new: &Data) {
    let (from, to) = (folder(data), folder(new).join("runloom.db"));
    fs::create_dir(folder(new)).expect("a folder can be made");
    let [from, to] = [&from, &to].map(|path| path.to_str().expect("UTF-8"));
    xtask(&["backup", "--data-dir", from, "--to", to])
        .await
        .expect();
}

async fn back_up_postgres(data: &Data, new: &Data) {
    let file = data.folder().join("backup.dump");
    let file = file.to_str().expect("UTF-8");
    let [from, to] = [data, new].map(|data| data.database_url().expect("a PostgreSQL"));
    let dump = ["--format=custom", "--file", file, &from];
    postgres_program("pg_dump", &dump).await.expect();
    let restore = [
        "--exit-on-error",
        "--no-owner",
        "--no-acl",
        "--dbname",
        &to,
        file,
    ];
    postgres_program("pg_restore", &restore).await.expect();
}

both_stores! {
    async fn runs_are_as_they_were_and_go_on_from_there(store: Store) {
        let node = setup(store).variable("RUNLOOM_MASTER_KEY", MASTER_KEY).start().await;
        let client = node.client();
        let finished = client.run(&json!({})).await;
        client.follow(&finished).await;
        let waiting = client.run(&json!({ "route_id": "ask" })).await;
        client.events(&waiting, "").await.until("run.waiting_for_input").await;
        let live = client.run(&json!({ "route_id": "slow" })).await;
        client.events(&live, "").await.until("message.delta").await;

        let data = restored(store, node.data()).await;
        // The original goes on, and the copy knows nothing of it.
        client.input(&waiting, &json!({ "content": "red" })).await.expect(200);
        let answered = client.follow(&waiting).await;
        let original = client.follow(&live).await;
        let (log, object) = (bytes(&client, &finished).await, client.run_object(&finished).await);
        let later = client.run(&json!({})).await;
        let setup = node.setup().clone().on(data);
        node.terminate().await;

        let node = setup.start().await;
        let client = client.at(node.base());
        assert_eq!(bytes(&client, &finished).await, log);
        assert_eq!(client.run_object(&finished).await, object);
        let events = client.follow(&live).await;
        check_ended(&events, "run.completed");
        let resumed = kinds(&events).iter().position(|kind| *kind == "run.resumed");
        let common = resumed.expect("it goes on with another node");
        assert!(common > 0 && common < original.len());
        assert_eq!(events[..common], original[..common]);

        // A client of the original has a cursor beyond the end of the restored log.
        let ahead = format!("/v1/runs/{waiting}/events?after_seq={}", answered.len());
        client.get(&ahead).await.expect_error(409, "runs.cursor_ahead");
        client.get(&format!("/v1/runs/{later}")).await.expect_error(404, "runs.not_found");
        check_log(&client.log(&waiting).await);
        client.input(&waiting, &json!({ "content": "blue" })).await.expect(200);
        let again = client.follow(&waiting).await;
        assert_eq!(check_ended(&again, "run.completed").data["output"], "You said blue.");
    }
}
