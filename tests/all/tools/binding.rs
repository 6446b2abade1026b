//! What an approval binds, and to whom.

use std::sync::Arc;

use runloom_tests::{
    Client, Data, MASTER_KEY, Node, Setup, Store, both_stores, call, check_ended, script, text,
};
use serde_json::{Value, json};

use super::{asked, of, results};

const PERSONA: &str = r#"
    [[personas]]
    key = "careful"
    prompt = "Ask first."
    tools = ["effect_once"]
    approvals = { default = "ask" }
    limits = { waiting_seconds = WAITING }
"#;

fn setup(store: Store, waiting: u32, first: Value) -> Setup {
    Setup::new(store)
        .scripted("m", script([first, text("Done.")]))
        .toml(&PERSONA.replace("WAITING", &waiting.to_string()))
}

fn answer(request: &Value, content: &str) -> Value {
    json!({ "request_id": request["request_id"], "content": content })
}

both_stores! {
    async fn an_approval_that_comes_too_late_runs_nothing(store: Store) {
        let node = setup(store, 1, call("effect_once", json!({}))).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        let events = client.follow(&run).await;
        let last = check_ended(&events, "run.failed");
        assert_eq!(last.data["error_class"], "input.timed_out");
        client.input(&run, &answer(&requests[0], "approve")).await
            .expect_error(409, "runs.not_active");
        assert!(node.data().effects().is_empty());
    }
}

/// Changes what the log says that the model asked for, as nobody should be able to.
async fn tamper(data: &Data, from: &str, to: &str) -> u64 {
    let sql = "UPDATE events SET data = replace(data, $1::text, $2::text),
        private = replace(private, $1::text, $2::text)
        WHERE type IN ('tool.call', 'step.completed') AND data LIKE '%' || $1::text || '%'";
    let changed = data.session().await.execute(sql, &[&from, &to]).await;
    changed.expect("rows change")
}

/// Between the approval and the start of the call the process dies, and the arguments become
/// others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_that_changed_since_the_approval_do_not_run() {
    let turn = call("effect_once", json!({ "before_ms": 1 }));
    for (to, runs) in [("\"before_ms\":2", false), ("\"before_ms\":1", true)] {
        let setup = setup(Store::Postgres, 0, turn.clone());
        let node = setup
            .variable("FAILPOINTS", "before_intent=return")
            .start()
            .await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        // The server may die before it has answered.
        let path = format!("/v1/runs/{run}/input");
        let approval = client.request(reqwest::Method::POST, &path);
        let _ = approval.json(&answer(&requests[0], "approve")).send().await;
        let data = Arc::clone(node.data());
        let stopped = node.stopped().await;
        assert!(tamper(&data, "\"before_ms\":1", to).await >= 1);
        let node = stopped
            .restart_with(|setup| setup.without("FAILPOINTS"))
            .await;
        let events = node.client().follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(of(&events, "run.input_received").len(), 1);
        assert_eq!(node.data().effects().len(), usize::from(runs));
        assert_eq!(
            results(&events) == ["tool.approval_mismatch"],
            !runs,
            "{events:#?}"
        );
    }
}

/// Somebody else of the organisation.
async fn colleague(node: &Node) -> Client {
    let client = node.client();
    client.stranger("bob").await;
    let org = client.get("/v1/me").await.expect(200)["org_id"].clone();
    let org = org.as_str().expect("an id");
    let sql = "INSERT INTO memberships (org_id, user_id, role, created_at)
        SELECT $1::text::uuid, user_id, 'member', now() FROM user_names WHERE name_key = 'bob'";
    let session = node.data().session().await;
    let joined = session.execute(sql, &[&org]).await;
    assert_eq!(joined.expect("rows change"), 1);
    let alone = "DELETE FROM memberships WHERE org_id <> $1::text::uuid
        AND user_id = (SELECT user_id FROM user_names WHERE name_key = 'bob')";
    let left = session.execute(alone, &[&org]).await;
    assert_eq!(left.expect("rows change"), 1);
    let login = json!({ "login": "bob", "password": "a long enough passphrase" });
    let token = Client::anonymous(node.base())
        .post("/v1/auth/login", &login)
        .await
        .expect(200);
    client.with_token(token["access_token"].as_str().expect("a token"))
}

/// The second answers on another node, after the first one's has died.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_person_comes_too_late_on_another_node_too() {
    let two = json!([
        { "tool_call": { "name": "effect_once", "arguments": { "before_ms": 1 } } },
        { "tool_call": { "name": "effect_once", "arguments": { "before_ms": 2 } } },
    ]);
    let setup = setup(Store::Postgres, 0, two).variable("RUNLOOM_MASTER_KEY", MASTER_KEY);
    let first = setup.start().await;
    let second = first.peer("second").await;
    let (ada, bob) = (first.client(), colleague(&first).await.at(second.base()));
    let run = ada.run(&json!({})).await;
    let requests = asked(&bob, &run).await;
    ada.input(&run, &answer(&requests[0], "reject"))
        .await
        .expect(200);
    let _gone = first.kill().await;
    // Of what is decided nothing changes, alone or with what is open.
    let late = bob.input(&run, &answer(&requests[0], "approve")).await;
    late.expect_error(409, "runs.not_waiting");
    let both =
        json!({ "answers": [answer(&requests[0], "approve"), answer(&requests[1], "approve")] });
    bob.input(&run, &both)
        .await
        .expect_error(409, "runs.not_waiting");
    bob.input(&run, &answer(&requests[1], "approve"))
        .await
        .expect(200);
    let events = bob.follow(&run).await;
    check_ended(&events, "run.completed");
    bob.input(&run, &answer(&requests[1], "reject"))
        .await
        .expect_error(409, "runs.not_active");
    let received = of(&events, "run.input_received");
    let who: Vec<_> = received
        .iter()
        .map(|event| event.data["user_id"].clone())
        .collect();
    let bobs = bob.get("/v1/me").await.expect(200)["user_id"].clone();
    assert_eq!(who.len(), 2);
    assert!(who[0] != bobs && who[1] == bobs, "{who:?}");
    assert_eq!(second.data().effects().len(), 1);
}
