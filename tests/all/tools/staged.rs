use runloom_tests::{Client, Setup, Store, both_stores, call, check_ended, script, text};
use serde_json::{Value, json};

use super::{asked, of, results};

async fn node(store: Store, arguments: Value) -> runloom_tests::Node {
    let persona = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"staged\"]\n";
    let turns = script([call("staged", arguments), text("ok")]);
    Setup::new(store)
        .toml(persona)
        .scripted("m", turns)
        .start()
        .await
}

async fn ended(client: &Client, run: &str) -> Vec<runloom_tests::Event> {
    let events = client.follow(run).await;
    check_ended(&events, "run.completed");
    events
}

both_stores! {
    async fn progress_is_shown_and_moves_the_deadline(store: Store) {
        let node = node(store, json!({ "reports": 30 })).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = ended(&client, &run).await;
        assert_eq!(results(&events), ["nothing was asked, after 1 calls"]);
        let shown = of(&events, "tool.progress");
        let ms = of(&events, "tool.result")[0].data["duration_ms"].as_u64().unwrap_or_default();
        assert!(ms >= 1_500, "longer than the tool may be silent: {ms} ms");
        let most = usize::try_from(ms / 250 + 2).expect("small");
        assert!(!shown.is_empty() && shown.len() <= most, "{} in {ms} ms", shown.len());
        assert_eq!((&shown[0].data["total"], &shown[0].data["message"]), (&json!(30.0), &json!("on it")));
    }

    async fn a_call_that_rests_is_made_again(store: Store) {
        let node = node(store, json!({ "rests": 2 })).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = ended(&client, &run).await;
        assert_eq!(results(&events), ["nothing was asked, after 3 calls"]);
        assert_eq!((of(&events, "tool.paused").len(), of(&events, "tool.started").len()), (2, 3));
    }

    async fn a_tools_question_is_answered_after_a_restart(store: Store) {
        for (content, said) in [
            (r#"{"name":"Ada"}"#, "Ada"),
            (r#"{"action":"accept","content":{"name":"Bob"}}"#, "Bob"),
            (r#"{"action":"decline"}"#, "they declined"),
            (r#"{"action":"cancel"}"#, "they gave up"),
        ] {
            let node = node(store, json!({ "asks": true })).await;
            let client = node.client();
            let run = client.run(&json!({})).await;
            let request = asked(&client, &run).await.remove(0);
            assert_eq!((&request["kind"], &request["asked_by_tool"]), (&json!("question"), &json!(true)));
            assert_eq!(request["prompt"], "What is your name?");
            let node = node.kill().await.restart().await;
            let client = node.client();
            client.input(&run, &json!({ "content": r#"{"name":7}"# })).await
                .expect_error(422, "validation.error");
            client.input(&run, &json!({ "content": content })).await.expect(200);
            let events = ended(&client, &run).await;
            assert_eq!(results(&events), [format!("{said}, after 2 calls")]);
        }
    }
}
