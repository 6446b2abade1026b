//! From SQLite to PostgreSQL.

use std::fs;
use std::sync::Arc;

use runloom_tests::{Client, Data, Outcome, Store, check_ended, kinds, xtask};
use serde_json::json;

use super::{bytes, folder, setup};

async fn copy(from: &Data, to: &Data) -> Outcome {
    let (folder, url) = (folder(from), to.database_url().expect("a PostgreSQL"));
    let folder = folder.to_str().expect("UTF-8");
    let arguments = [
        "migrate",
        "--copy",
        "--data-dir",
        folder,
        "--database-url",
        &url,
    ];
    xtask(&arguments).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_on_sqlite_goes_on_on_postgresql() {
    let node = setup(Store::Sqlite).start().await;
    let client = node.client();
    let (thread, other) = (client.thread().await, client.thread().await);
    let finished = client.run_in(&thread, &json!({ "input": "hello" })).await;
    client.follow(&finished).await;
    let waiting = client.run_in(&thread, &json!({ "route_id": "ask" })).await;
    client
        .events(&waiting, "")
        .await
        .until("run.waiting_for_input")
        .await;
    let once = format!("/v1/threads/{other}/runs");
    let body = json!({ "route_id": "slow" });
    let live = client.post_once(&once, "k", &body).await;
    let answer = live.body.clone();
    let live = live.expect(201)["run_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let queued = json!({ "on_busy": "enqueue" });
    let queued = client.run_in(&other, &queued).await;
    let ada = client.stranger("ada").await;
    let mut stream = client.events(&live, "").await;
    stream.until("message.delta").await;

    let target = Arc::new(Data::empty(Store::Postgres).await);
    let refused = copy(node.data(), &target).await;
    assert!(
        !refused.success && refused.text.contains("in use by another"),
        "{}",
        refused.text
    );

    let (logs, objects) = (
        [
            bytes(&client, &finished).await,
            bytes(&client, &waiting).await,
        ],
        [
            client.run_object(&finished).await,
            client.run_object(&waiting).await,
        ],
    );
    let messages = format!("/v1/threads/{thread}/messages?include=tools");
    let said = client.get(&messages).await.body;
    let (source, first) = (Arc::clone(node.data()), node.setup().clone());
    node.kill().await;
    stream.rest().await;

    let report = copy(&source, &target).await.expect();
    assert!(report.contains("has an equal copy"), "{report}");
    let again = copy(&source, &target).await;
    assert!(
        !again.success && again.text.contains("has rows in"),
        "{}",
        again.text
    );

    let key = fs::read_to_string(folder(&source).join("master-key")).expect("it was made");
    let setup = first.on(target).variable("RUNLOOM_MASTER_KEY", key.trim());
    let node = setup.start().await;
    let client = client.at(node.base());
    for ((run, log), object) in [&finished, &waiting].into_iter().zip(logs).zip(objects) {
        assert_eq!(bytes(&client, run).await, log);
        assert_eq!(client.run_object(run).await, object);
    }
    assert_eq!(client.get(&messages).await.body, said);
    client
        .input(&waiting, &json!({ "content": "blue" }))
        .await
        .expect(200);
    let events = client.follow(&waiting).await;
    assert_eq!(
        check_ended(&events, "run.completed").data["output"],
        "You said blue."
    );

    // What the client had seen is the beginning of what the run has become.
    let seen = stream.received();
    let seen = &seen[seen.find("id: ").expect("events")..];
    let all = client.events(&live, "").await.raw_rest().await;
    assert!(all.starts_with(seen), "{seen}\n{all}");
    let events = client.log(&live).await;
    check_ended(&events, "run.completed");
    assert!(kinds(&events).contains(&"run.resumed"));
    check_ended(&client.follow(&queued).await, "run.completed");

    let again = client.post_once(&once, "k", &body).await;
    assert_eq!(
        (again.header("idempotency-replayed"), &again.body),
        ("true", &answer)
    );
    ada.at(node.base()).get("/v1/me").await.expect(200);
    let login = json!({ "login": "ada", "password": "a long enough passphrase" });
    let anonymous = Client::anonymous(node.base());
    anonymous.post("/v1/auth/login", &login).await.expect(200);
    client.follow(&client.run(&json!({})).await).await;
}
