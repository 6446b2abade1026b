use std::time::{Duration, Instant};

use runloom_tests::{Setup, both_stores, call, check_ended, script, text};
use serde_json::json;

use super::asked;

/// Seconds of a day.
const DAY: u32 = 24 * 60 * 60;

/// The seconds between midnight and an RFC 3339 time.
fn second_of_day(time: &str) -> u32 {
    let number = |at: usize| time[at..at + 2].parse::<u32>().expect("digits");
    number(11) * 3_600 + number(14) * 60 + number(17)
}

both_stores! {
    async fn it_survives_a_restart_and_is_answered_then(store: Store) {
        let question = call("ask_user", json!({ "question": "Still there?" }));
        let node = Setup::new(store).scripted("m", script([question, text("ok")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let before = asked(&client, &run).await;
        let log = client.log(&run).await;
        let node = node.kill().await.restart().await;
        let client = node.client();
        assert_eq!(client.status(&run).await, "waiting_for_input");
        assert_eq!(client.run_object(&run).await["requests"], json!(before));
        assert_eq!(client.log(&run).await, log, "a waiting run belongs to nobody");
        client.input(&run, &json!({ "content": "yes" })).await.expect(200);
        check_ended(&client.follow(&run).await, "run.completed");
    }

    async fn it_waits_a_day_unless_its_persona_says_for_ever(store: Store) {
        let persona = r#"
            [[personas]]
            key = "usual"
            prompt = "Ask."
            tools = ["ask_user"]
            [[personas]]
            key = "patient"
            prompt = "Ask."
            tools = ["ask_user"]
            limits = { waiting_seconds = 0 }
        "#;
        let question = call("ask_user", json!({ "question": "?" }));
        let node = Setup::new(store)
            .scripted("m", script([question, text("ok")])).toml(persona).start().await;
        let client = node.client();
        for (persona, limited) in [("usual", true), ("patient", false)] {
            let run = client.run(&json!({ "persona_id": persona })).await;
            let events = client.events(&run, "").await.until("run.waiting_for_input").await;
            let waiting = events.last().expect("events");
            let (since, until) = (&waiting.created_at, waiting.data["expires_at"].as_str());
            assert_eq!(until.is_some(), limited, "{persona}: {}", waiting.data);
            let a_day = until.is_none_or(|until| {
                // The same time of another day, give or take a second between two looks at a clock.
                let apart = second_of_day(until).abs_diff(second_of_day(since));
                (apart <= 1 || apart == DAY - 1) && until[..10] > since[..10]
            });
            assert!(a_day, "from {since} until {until:?}");
        }
    }

    async fn it_ends_when_nobody_answers(store: Store) {
        let persona = r#"
            [[personas]]
            key = "hasty"
            prompt = "Ask."
            tools = ["ask_user"]
            limits = { waiting_seconds = 2 }
        "#;
        let question = call("ask_user", json!({ "question": "?" }));
        let node = Setup::new(store)
            .scripted("m", script([question, text("ok")])).toml(persona).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        let since = Instant::now();
        let events = client.follow(&run).await;
        let waited = since.elapsed();
        assert!(waited > Duration::from_secs(1) && waited < Duration::from_secs(6), "{waited:?}");
        let last = check_ended(&events, "run.failed");
        assert_eq!(last.data["error_class"], "input.timed_out");
        client.input(&run, &json!({ "content": "late" })).await
            .expect_error(409, "runs.not_active");
    }

    async fn its_time_goes_on_while_the_server_is_down(store: Store) {
        let persona = r#"
            [[personas]]
            key = "hasty"
            prompt = "Ask."
            tools = ["ask_user"]
            limits = { waiting_seconds = 1 }
        "#;
        let question = call("ask_user", json!({ "question": "?" }));
        let node = Setup::new(store)
            .scripted("m", script([question, text("ok")])).toml(persona).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        let stopped = node.kill().await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let node = stopped.restart().await;
        let events = node.client().follow(&run).await;
        let last = check_ended(&events, "run.failed");
        assert_eq!(last.data["error_class"], "input.timed_out");
    }
}
