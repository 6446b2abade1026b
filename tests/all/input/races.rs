use runloom_tests::{Setup, both_stores, call, check_ended, script, text};
use serde_json::json;

use super::asked;

both_stores! {
    async fn of_two_racing_answers_the_first_wins(store: Store) {
        let question = call("ask_user", json!({ "question": "?" }));
        let turns = script([question, text("You said {last_tool}.")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        for _ in 0..10 {
            let run = client.run(&json!({})).await;
            let request = asked(&client, &run).await[0]["request_id"].clone();
            let [left, right] = ["left", "right"]
                .map(|content| json!({ "content": content, "request_id": request }));
            let (a, b) = tokio::join!(client.input(&run, &left), client.input(&run, &right));
            let winner = match (a.status, b.status) {
                (200, 409) => "left",
                (409, 200) => "right",
                other => panic!("{other:?}: {} {}", a.body, b.body),
            };
            let events = client.follow(&run).await;
            let last = check_ended(&events, "run.completed");
            assert_eq!(last.data["output"], format!("You said {winner}."));
            let answers = events.iter().filter(|e| e.kind == "run.input_received").count();
            assert_eq!(answers, 1);
        }
    }
}
