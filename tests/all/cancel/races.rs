use std::time::Duration;

use runloom_tests::{Setup, both_stores, call, check_log, count, script, text};
use serde_json::json;

both_stores! {
    async fn against_completion_one_of_them_wins(store: Store) {
        let node = Setup::new(store).scripted("m", script([count(10, 2)])).start().await;
        let client = node.client();
        let mut ends = std::collections::BTreeSet::new();
        let races: Vec<_> = (0..30u64).map(|round| {
            let client = client.clone();
            tokio::spawn(async move {
                let run = client.run(&json!({})).await;
                // The pause is what is varied here; nothing is ordered by it.
                tokio::time::sleep(Duration::from_millis(round * 3)).await;
                client.cancel(&run).await.expect(200);
                let events = client.follow(&run).await;
                check_log(&events);
                let last = events.last().expect("events");
                assert!(last.is_terminal());
                assert_eq!(format!("run.{}", client.status(&run).await), last.kind);
                last.kind.clone()
            })
        }).collect();
        for race in races {
            ends.insert(race.await.expect("no panic"));
        }
        assert!(ends.contains("run.cancelled"), "{ends:?}");
    }

    async fn against_an_answer_one_of_them_wins(store: Store) {
        let turns = script([call("ask_user", json!({ "question": "?" })), text("ok")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        for _ in 0..10 {
            let run = client.run(&json!({})).await;
            client.events(&run, "").await.until("run.waiting_for_input").await;
            let answer = json!({ "content": "yes" });
            let (cancel, input) = tokio::join!(client.cancel(&run), client.input(&run, &answer));
            cancel.expect(200);
            let taken = input.status == 200;
            assert!(taken || input.status == 409, "{}", input.body);
            let events = client.follow(&run).await;
            check_log(&events);
            assert!(events.last().is_some_and(runloom_tests::Event::is_terminal));
            let logged = events.iter().any(|e| e.kind == "run.input_received");
            assert_eq!(logged, taken);
        }
    }
}
